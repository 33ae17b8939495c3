import assert from 'node:assert/strict';
import { listSessions } from '../../src/actions/list-sessions.ts';
import { showSession } from '../../src/actions/show-session.ts';
import type { Session } from '../../src/sessions/session.ts';
import { storeSession } from '../../src/sessions/stored-sessions.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { aConfig } from '../rigs/config.ts';
import { recordOf, sessionRig } from '../rigs/sessions.ts';
import { targetIn } from '../rigs/target.ts';

const config = aConfig();

const succeeded: Session = {
  ...{ format: 1, id: '2026-11-24T02:00:00Z', trigger: 'schedule', phase: 'Succeeded' },
  ...{ started: '2026-11-24T02:10:00Z', finished: '2026-11-24T02:11:30Z', attempt: 2, task: '9' },
  ...{ unit: 'ckf-backup/0', set: '2026-11-24T02:10:05Z', consistent: false },
  components: [
    { name: 'kfp-db', seconds: 61, size: 2048 },
    { name: 'Bucket mlpipeline', seconds: 5, size: 10, objects: 3, copied: 2, bytesCopied: 7 },
  ],
  earlier: [
    {
      ...{ phase: 'Failed', started: '2026-11-24T02:00:03Z', unit: 'ckf-backup/0', task: '8' },
      ...{ attempt: 1, code: 'store-unreachable', reason: 'S3 is away.' },
    },
  ],
};

describe('the records of runs', () => {
  let rig: ReturnType<typeof sessionRig>;
  const keep = (session: Session, log?: string) => storeSession(targetIn(rig.store), session, log);
  const list = (parameters: object = {}) =>
    listSessions(rig.world, config, { before: '', limit: 20, format: 'table', ...parameters });
  const lines = (table = ''): readonly string[] =>
    table.split('\n').map((line) => line.replaceAll(/ +/g, ' ').trim());
  beforeEach(() => {
    rig = sessionRig();
  });

  it('are a table, newest first, with how each run ended', async () => {
    assert.deepEqual(await list(), { sessions: 'There are no sessions.' });
    await keep(succeeded);
    await keep({
      ...recordOf('2026-11-23T02:00:00Z'),
      slots: { count: 3, last: '2026-11-23T08:00:00Z' },
      reason: 'It could not be begun.',
    });
    await keep({
      ...{ ...recordOf('2026-11-25T01:00:00Z-5'), trigger: 'operator', phase: 'Failed' },
      ...{
        started: '2026-11-25T01:00:00Z',
        finished: '2026-11-25T01:00:09Z',
        code: 'store-denied',
        reason: 'No. '.repeat(40),
      },
    });
    await keep({ ...recordOf('2026-11-25T02:00:00Z'), phase: 'Running' });
    const { sessions, next } = await list();
    assert.equal(next, undefined);
    assert.deepEqual(lines(sessions), [
      'SESSION PHASE TRIGGER AGE DURATION REASON',
      '2026-11-25T02:00:00Z Running schedule 3s -',
      `2026-11-25T01:00:00Z-5 Failed operator 1h0m 9s [store-denied] ${'No. '.repeat(40).slice(0, 104)}…`,
      '2026-11-24T02:00:00Z Succeeded schedule 23h50m 1m30s set 2026-11-24T02:10:05Z, not consistent',
      '2026-11-23T02:00:00Z Missed schedule 2d 3 slots It could not be begun.',
    ]);
  });

  it('come page by page', async () => {
    for (const day of [21, 22, 23]) await keep(recordOf(`2026-11-${day}T02:00:00Z`));
    const first = await list({ limit: 2, format: 'json' });
    assert.deepEqual(
      (JSON.parse(first['sessions'] ?? '') as Session[]).map(({ id }) => id),
      ['2026-11-23T02:00:00Z', '2026-11-22T02:00:00Z'],
    );
    const second = await list({ limit: 2, before: first['next'] });
    assert.match(lines(second['sessions'])[1] ?? '', /^2026-11-21T02:00:00Z Missed/);
    assert.equal(second['next'], undefined);
    const { message } = await rejectsWithCode(list({ before: 'yesterday' }), 'parameter-invalid');
    assert.equal(
      message,
      'The parameter before is "yesterday", but must be the id of a session, as list-sessions shows it.',
    );
  });

  it('are those of volumes when these are asked for', async () => {
    await keep(succeeded);
    assert.deepEqual(await list({ of: 'volumes' }), {
      sessions: 'There are no sessions of volumes.',
    });
  });

  it('are shown with all that is known of a run, and its log', async () => {
    await keep(succeeded, 'a line\n');
    assert.deepEqual(await showSession(rig.world, config, { session: succeeded.id }), {
      ...{ session: succeeded.id, phase: 'Succeeded', trigger: 'schedule', unit: 'ckf-backup/0' },
      ...{ started: '2026-11-24T02:10:00Z', finished: '2026-11-24T02:11:30Z', duration: '1m30s' },
      ...{ task: '9', attempt: '2', 'backup-id': '2026-11-24T02:10:05Z', consistent: 'false' },
      'component-kfp-db': '1m1s, 2.0 KiB',
      'component-bucket-mlpipeline': '5s, 10 B, 3 objects, 2 of them copied, 7 B',
      earlier: 'attempt 1, task 8: Failed [store-unreachable] S3 is away.',
      log: 'a line\n',
    });
  });

  it('are shown with why there was no run, and with the end of a log that is too long', async () => {
    const missed = recordOf('2026-11-23T02:00:00Z');
    const slots = { count: 3, last: '2026-11-23T08:00:00Z' };
    await keep({ ...missed, slots, code: 'stopped', reason: 'Stopped.' });
    const { log, ...shown } = await showSession(rig.world, config, { session: missed.id });
    assert.equal(log, 'No log was kept.');
    assert.deepEqual(
      [shown['slots'], shown['code'], shown['reason']],
      ['3, the last of them 2026-11-23T08:00:00Z', 'stopped', 'Stopped.'],
    );
    await keep(succeeded, `${'x'.repeat(30_000)}the end\n`);
    const long = await showSession(rig.world, config, { session: succeeded.id });
    assert.match(long['log'] ?? '', /^… \(the beginning is left out\)\nx{24992}the end\n$/);
  });

  it('say where they are looked for when there is none of that id', async () => {
    for (const session of ['2020-01-01T00:00:00Z', 'x', undefined]) {
      const { message } = await rejectsWithCode(
        showSession(rig.world, config, { session }),
        'session-missing',
      );
      assert.match(
        message,
        /under ckf in bucket backups at http:\/\/s3\.test\. See juju run ckf-backup/,
      );
    }
  });
});
