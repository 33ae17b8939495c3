import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Forger, lyingPack, whileOpen } from '../rigs/forger.ts';
import { needsVolumeTools } from '../rigs/needs.ts';
import { resticByHand } from '../rigs/restic.ts';
import { tree } from '../rigs/tree.ts';
import { assertEnded, boxWithVolumes } from '../rigs/volumes.ts';
import { addClaim } from '../sandbox/box/volumes.ts';

const volume = 'bob/data';

describe('what a user with the password of the own repository writes into it', () => {
  const opened = boxWithVolumes(20);
  let others: readonly string[];
  before(async function () {
    await needsVolumeTools(this);
    const { box, volumes } = opened();
    writeFileSync(join(volumes.at(volume), 'big'), randomBytes(300_000));
    addClaim(volumes.workloads, 'bob', 'back');
    await box.configure({ 'volumes-keep': 'last=1', 'volumes-prune-days': 0 });
    await succeeds('backup-volumes', { volumes: 'carol/*' });
    await succeeds('backup-volumes', { volumes: volume });
    others = stored('carol');
  });
  afterEach(async () => {
    assertEnded(opened());
    assert.deepEqual(stored('carol'), others, 'nobody else notices');
  });

  const run = async (action: string, parameters: Readonly<Record<string, unknown>> = {}) =>
    opened().box.run(action, parameters);
  const succeeds = async (action: string, parameters: Readonly<Record<string, unknown>> = {}) => {
    const ended = await run(action, parameters);
    assert.equal(ended.status, 'completed', ended.message);
    return ended;
  };
  const stored = (namespace: string): readonly string[] =>
    opened()
      .box.stores.target.contents.objects('ckf-backups')
      .filter(({ key }) => key.includes(`/volumes/repos/${namespace}/`))
      .map(({ key, etag }) => `${key} ${etag}`);
  const forge = (work: (forger: Forger) => Promise<void>) => whileOpen(opened(), volume, work);
  /** It leaves copies of the packs that it repairs where it runs. */
  const byHand = (...command: readonly string[]) =>
    resticByHand(opened(), 'bob', command, { cwd: join(opened().volumes.at(volume), '../..') });
  const integrity = async (): Promise<string> => {
    const { results } = await run('volume-status', { namespace: 'bob' });
    return String(results['repositories']).split('\n')[1] ?? '';
  };
  /** The newest backup is all that is on the volume. */
  const assertRestorable = async (): Promise<void> => {
    const { volumes } = opened();
    await succeeds('restore-volume', {
      ...{ volume, to: 'back', confirm: 'bob/back', 'delete-extra': true },
    });
    const everything = () => false;
    assert.deepEqual(
      tree(volumes.at('bob/back'), everything),
      tree(volumes.at(volume), everything),
    );
  };

  it('can have no backup deleted by an index that says of its blobs that they are elsewhere, too', async () => {
    let lies: readonly string[] = [];
    const { status, message, results } = await forge(async (forger) => {
      const blobs = forger.packs.flatMap((pack) => pack.blobs);
      const packs = await Promise.all(
        (['data', 'tree'] as const).map(async (type) => {
          const pack = lyingPack(
            forger,
            blobs.filter((blob) => blob.type === type),
          );
          return { id: await forger.put('data', pack.content), blobs: pack.blobs };
        }),
      );
      lies = packs.map(({ id }) => id);
      await forger.put('index', forger.seal(JSON.stringify({ packs })));
    });
    assert.equal(status, 'completed', message);
    assert.equal(results['phase'], 'Succeeded');
    const said = String(results['not-removed']);
    assert.match(
      said,
      /The repository bob is damaged \(2 packs, the first: .*verify-volumes read-data=1\/1/,
    );
    assert.ok(lies.some((id) => said.includes(id)));
    assert.match(await integrity(), /^bob +false /);
    await assertRestorable();
    const verified = await run('verify-volumes', { namespace: 'bob', 'read-data': '1/1' });
    assert.equal(verified.results['error-code'], 'volume-damaged');
    assert.deepEqual(
      String(verified.results['damaged-packs'])
        .split(/[ ,\n]+/)
        .sort(),
      [...lies].sort(),
    );
    // As the how-to says.
    await byHand('repair', 'index', '--read-all-packs');
    await byHand('repair', 'packs', ...lies);
    await succeeds('verify-volumes', { namespace: 'bob', 'read-data': '1/1' });
    assert.match(await integrity(), /^bob +true /);
    const next = await succeeds('backup-volumes', { volumes: volume });
    assert.equal(next.results['not-removed'], undefined);
    await assertRestorable();
  });

  it('is named when an index says that what is to be stored is there already, and can be mended', async () => {
    const pack = 'ab'.repeat(32);
    await forge(async (forger) => {
      const id = createHash('sha256').update('the thesis').digest('hex');
      const blob = { id, type: 'data', offset: 0, length: 42, uncompressed_length: 10 };
      await forger.put(
        'index',
        forger.seal(JSON.stringify({ packs: [{ id: pack, blobs: [blob] }] })),
      );
    });
    writeFileSync(join(opened().volumes.at(volume), 'thesis'), 'the thesis');
    await succeeds('backup-volumes', { volumes: volume });
    const { results, message } = await run('verify-volumes', { namespace: 'bob' });
    assert.equal(results['error-code'], 'volume-damaged');
    assert.match(message, new RegExp(pack));
    assert.match(await integrity(), /^bob +false /);
    const into = await run('restore-volume', { volume, into: 'restored', include: '/thesis' });
    assert.equal(into.status, 'failed');
    assert.match(into.message, /thesis/);
    await byHand('repair', 'index', '--read-all-packs');
    // The first one reads again what was said to be there; restic counts it as not readable before.
    await succeeds('backup-volumes', { volumes: volume });
    await succeeds('backup-volumes', { volumes: volume });
    await succeeds('verify-volumes', { namespace: 'bob' });
    await assertRestorable();
  });

  it('is taken away when it is a snapshot of nothing', async () => {
    let forged = '';
    const { status, message, results } = await forge(async (forger) => {
      const snapshot = {
        ...{ time: '2031-01-01T00:00:00Z', tree: 'cd'.repeat(32), paths: ['/data'] },
        ...{ hostname: 'data', tags: ['session=20310101t000000z'] },
      };
      forged = await forger.put('snapshots', forger.seal(JSON.stringify(snapshot)));
    });
    assert.equal(status, 'completed', message);
    assert.equal(results['not-removed'], undefined);
    assert.ok(Number(results['removed']) > 0);
    await succeeds('verify-volumes', { namespace: 'bob' });
    assert.ok(!stored('bob').some((line) => line.includes(`/snapshots/${forged}`)));
    await assertRestorable();
  });
});
