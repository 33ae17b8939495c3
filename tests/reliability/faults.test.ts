import assert from 'node:assert/strict';
import type { ErrorCode } from '../../src/errors.ts';
import type { S3Fault, S3FaultAction } from '../servers/s3/faults.ts';
import { assertNoDebris, assertPutBack, assertScalesBack, calmOf } from './aftermath.ts';
import { assertIntact, setsIn } from './intact.ts';
import { lookOn } from './moments.ts';
import { randomFrom } from './plan.ts';
import type { Rig } from './rig.ts';
import { changeSource } from './round.ts';
import { testRig } from './test-rig.ts';

const passing: readonly S3FaultAction[] = [
  { answer: 500 },
  { answer: 503, code: 'SlowDown' },
  { answer: 503, code: 'SlowDown', retryAfter: 1 },
  { answer: 429, code: 'TooManyRequests', retryAfter: 1 },
  { reset: 'before' },
  { reset: 'after' },
];

/** Faults of one server that a backup cannot get over, and the code that it fails with. */
const lasting: readonly (readonly [string, 'target' | 'minio', S3Fault, ErrorCode])[] = [
  [
    'S3 refuses every object',
    'target',
    { operation: 'PutObject', key: /\/mlpipeline\//, fault: { answer: 503 } },
    'objects-failed',
  ],
  [
    'the bytes of the object list change on their way',
    'target',
    { operation: 'PutObject', key: /ndjson\.gz$/, fault: { flip: true } },
    'store-corrupt',
  ],
  [
    'the bytes of the dump change on their way',
    'target',
    { operation: 'PutObject', key: /\/mlmd\//, fault: { flip: true } },
    'store-corrupt',
  ],
  [
    'the clock is found to be wrong half way',
    'target',
    {
      operation: 'PutObject',
      key: /ndjson\.gz$/,
      fault: { answer: 403, code: 'RequestTimeTooSkewed' },
    },
    'store-denied',
  ],
  [
    'the credentials of S3 expire before the manifest',
    'target',
    {
      operation: 'PutObject',
      key: /manifest\.json$/,
      fault: { answer: 400, code: 'ExpiredToken' },
    },
    'store-denied',
  ],
  [
    'MinIO announces more than it sends',
    'minio',
    { operation: 'GetObject', fault: { length: 3 } },
    'objects-failed',
  ],
  [
    'MinIO cuts every object short',
    'minio',
    { operation: 'GetObject', fault: { truncate: 3 } },
    'objects-failed',
  ],
  [
    'the credentials of MinIO expire half way',
    'minio',
    { operation: 'GetObject', fault: { answer: 403, code: 'InvalidAccessKeyId' } },
    'objects-failed',
  ],
];

describe('a whole backup', () => {
  const rigOf = testRig();
  let rig: Rig;
  before(async () => {
    rig = rigOf();
    // The databases are not concerned: they write to S3 by themselves.
    await rig.box.configure({ components: 'mlmd,mlpipeline' });
  });
  beforeEach(() => {
    changeSource(rig);
  });
  afterEach(() => {
    for (const server of [rig.box.stores.target, rig.box.stores.minio]) server.mend();
  });

  it('succeeds while every tenth request of S3 and MinIO fails in a way that passes', async () => {
    const random = randomFrom(7);
    const { target, minio } = rig.box.stores;
    for (const server of [target, minio])
      for (let nth = 3; nth < 300; nth += 1 + Math.floor(random() * 19))
        server.fail({ nth, fault: passing[Math.floor(random() * passing.length)]! });
    const calm = calmOf(rig.box);
    const run = await rig.box.run('backup-control-plane');
    assert.equal(run.status, 'completed', run.message);
    assertPutBack(rig.box, rig.journal, calm);
    assertIntact(rig.box, setsIn(rig.box).at(-1)!, ['mlmd', 'mlpipeline']);
  });

  it('succeeds, and waits, while MinIO is slow', async () => {
    const { minio } = rig.box.stores;
    minio.fail({
      operation: 'GetObject',
      times: Infinity,
      fault: { bytesPerSecond: 4 * 2 ** 20 },
    });
    const run = await rig.box.run('backup-control-plane');
    assert.equal(run.status, 'completed', run.message);
    assertIntact(rig.box, setsIn(rig.box).at(-1)!, ['mlmd', 'mlpipeline']);
  });

  for (const [words, server, plan, code] of lasting)
    it(`fails clearly, and lists nothing, when ${words}`, async () => {
      const calm = calmOf(rig.box);
      const earlier = setsIn(rig.box);
      rig.box.stores[server].fail({ times: Infinity, ...plan });
      const run = await rig.box.run('backup-control-plane');
      assert.equal(run.status, 'failed');
      assert.equal(run.dispatch.exitCode, 0);
      assert.ok(run.message.includes(`[${code}]`), run.message);
      assert.deepEqual(setsIn(rig.box), earlier);
      assert.deepEqual(calmOf(rig.box), calm);
      assertScalesBack(rig.box, rig.journal, calm);
      await rig.box.hook('update-status');
      assert.match(rig.box.unit.agent.state.unitStatus.message, /[Tt]he backup of \S+ \S+ failed/);
    });

  it('never lists a set whose objects it took away, when S3 falls silent right after the manifest', async () => {
    const { target } = rig.box.stores;
    const earlier = setsIn(rig.box);
    let listIsStored = false;
    let silent = false;
    {
      using _looking = lookOn(rig, ({ what, when }) => {
        // The lock is asked for a last time after the object list has been stored.
        listIsStored ||= what === 's3 PutObject sets/<id>/mlpipeline.ndjson.gz';
        silent ||= listIsStored && when === 'after' && what === 's3 HeadObject lock.json';
        return silent && when === 'before' && /^s3 (?!PutObject)/.test(what) ? 'drop' : undefined;
      });
      target.fail({
        operation: 'PutObject',
        key: /manifest\.json$/,
        times: Infinity,
        fault: { reset: 'after' },
      });
      const run = await rig.box.run('backup-control-plane');
      assert.equal(run.status, 'failed');
      assert.match(run.message, /not known whether/);
    }
    target.mend();
    const listed = setsIn(rig.box);
    assert.equal(listed.length, earlier.length + 1);
    for (const id of listed.slice(1)) assertIntact(rig.box, id, ['mlmd', 'mlpipeline']);
  });

  it('clears away what all of them left', async () => {
    const run = await rig.box.run('backup-control-plane');
    assert.equal(run.status, 'completed', run.message);
    assertNoDebris(rig.box, setsIn(rig.box));
  });
});
