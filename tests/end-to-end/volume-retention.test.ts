import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needsVolumeTools } from '../rigs/needs.ts';
import { assertEnded, boxWithVolumes } from '../rigs/volumes.ts';
import { resticByHand, until } from '../rigs/restic.ts';

const volume = 'bob/data';

describe("the backups of users' volumes that are kept", () => {
  const opened = boxWithVolumes();
  before(async function () {
    await needsVolumeTools(this);
    await opened().box.configure({ 'volumes-keep': 'last=2', 'volumes-prune-days': 0 });
  });
  afterEach(() => {
    assertEnded(opened());
  });

  const place = () => `${opened().box.prefix}/volumes`;
  const keys = (below: string): readonly string[] =>
    opened()
      .box.stores.target.contents.objects('ckf-backups')
      .map(({ key }) => key)
      .filter((key) => key.startsWith(`${place()}/${below}`));
  const read = (key: string) =>
    JSON.parse(
      opened().box.stores.target.contents.read('ckf-backups', `${place()}/${key}`).toString(),
    ) as {
      unpruned?: boolean;
      pruned?: string;
      phase?: string;
      removed?: { session: string; snapshot: string }[];
      notRemoved?: string;
      volumes: { snapshot?: string; removed?: string; forgotten?: boolean }[];
    };
  const sessionOf = (id: unknown) => read(`sessions/${String(id)}.json`);
  const snapshots = () => keys('repos/bob/snapshots/').map((key) => key.split('/').at(-1) ?? '');
  const change = (): void => {
    writeFileSync(join(opened().volumes.at(volume), 'big'), randomBytes(2_000_000));
  };
  const backUp = async () => {
    change();
    const { status, message, results } = await opened().box.run('backup-volumes', {
      volumes: 'bob/*',
    });
    assert.equal(status, 'completed', message);
    assert.equal(results['phase'], 'Succeeded');
    return results;
  };
  const listed = async (): Promise<readonly string[]> => {
    const { results } = await opened().box.run('list-volume-backups', { volume });
    return [...String(results['backups']).matchAll(/^\d{8}t\d{6}z/gm)].map(([id]) => id);
  };

  it('are as many as the option says, and the space of the others is given back', async () => {
    const first = await backUp();
    const second = await backUp();
    assert.equal(second['removed'], '0');
    const third = await backUp();
    assert.equal(third['removed'], '1');
    assert.equal(third['not-removed'], undefined);
    assert.deepEqual(await listed(), [third['session'], second['session']]);
    const [gone] = sessionOf(first['session']).volumes;
    assert.equal(gone?.forgotten, true);
    assert.deepEqual(sessionOf(third['session']).removed, [
      { session: first['session'], namespace: 'bob', claim: 'data', snapshot: gone.snapshot },
    ]);
    assert.ok(!snapshots().includes(gone.snapshot ?? ''));
    assert.equal(snapshots().length, 2);
    assert.equal(read('states/bob.json').unpruned, false);
    const bytes = opened()
      .box.stores.target.contents.objects('ckf-backups')
      .filter(({ key }) => key.startsWith(`${place()}/repos/bob/data/`))
      .reduce((total, { size }) => total + size, 0);
    assert.ok(bytes < 3 * 2_000_000, `${bytes} bytes are of two backups, not of three`);
    await resticByHand(opened(), 'bob', ['check', '--read-data']);
  });

  it('are not pushed out by snapshots that a user forges for the future', async () => {
    const before = await listed();
    const forged = join(opened().volumes.at(volume), '..', 'forged');
    writeFileSync(forged, 'forged');
    for (const year of [2029, 2030, 2031])
      await resticByHand(opened(), 'bob', [
        ...['backup', '--host', 'data', '--time', `${year}-01-01 00:00:00`],
        ...['--tag', `session=${year}0101t000000z`, forged],
      ]);
    const results = await backUp();
    assert.equal(results['removed'], '1');
    assert.deepEqual(await listed(), [results['session'], before[0]]);
    const ours = [results['session'], before[0]].map((id) => sessionOf(id).volumes[0]?.snapshot);
    for (const snapshot of ours) assert.ok(snapshots().includes(snapshot ?? ''), snapshot);
    assert.equal(snapshots().length, 2 + 3);
  });

  it('stay while somebody works there by hand who began meanwhile, whose lock is respected', async () => {
    const { workloads } = opened().volumes;
    const held = Promise.withResolvers<undefined>();
    workloads.holds.set(volume, held.promise);
    const session = backUp();
    await until(() => workloads.store.all('jobs', 'bob').find(({ spec }) => !spec?.suspend));
    const byHand = resticByHand(opened(), 'bob', ['backup', '--stdin'], { stdin: 'open' });
    const [lock] = await until(() => {
      const found = keys('repos/bob/locks/');
      return found.length > 0 ? found : undefined;
    });
    workloads.holds.delete(volume);
    held.resolve(undefined);
    const results = await session;
    assert.equal(results['removed'], '0');
    assert.match(String(results['not-removed']), /bob is locked/);
    assert.equal((await listed()).length, 3);
    assert.ok(keys('repos/bob/locks/').includes(lock ?? ''));
    byHand.end();
    await byHand;
    const next = await backUp();
    assert.equal(next['removed'], '2');
    assert.equal((await listed()).length, 2);
  });

  for (const role of ['forget-0', 'prune'])
    it(`are finished by the next session when one is killed while its pod "${role}" works`, async () => {
      const { box, volumes } = opened();
      change();
      const running = box.start('backup-volumes', { volumes: 'bob/*' });
      await until(() =>
        volumes.workloads.store
          .all('pods')
          .find(({ metadata }) => metadata.labels?.['ckf-backup/role'] === role),
      );
      running.signal('SIGKILL');
      await running.done.catch(() => undefined);
      assert.equal((await box.hook('update-status')).exitCode, 0);
      assertEnded(opened());
      const [newest] = await listed();
      assert.equal((await listed()).length, 2, 'what goes is listed no longer');
      assert.equal(sessionOf(newest).phase, 'Succeeded');
      assert.equal(read('states/bob.json').unpruned, true);
      await backUp();
      assert.equal((await listed()).length, 2);
      assert.equal(snapshots().length, 2 + 4, 'two of ours, and those made by hand');
      assert.equal(read('states/bob.json').unpruned, false);
      await resticByHand(opened(), 'bob', ['check']);
    });

  it('all stay while a session is dated later than now', async () => {
    const { contents } = opened().box.stores.target;
    const id = '20990101t000000z';
    const key = `${place()}/sessions/${id}.json`;
    const record = { id, kind: 'backup', started: '2099-01-01T00:00:00Z', phase: 'Succeeded' };
    contents.put('ckf-backups', { key, content: JSON.stringify({ ...record, volumes: [] }) });
    const results = await backUp();
    assert.equal(results['removed'], '0');
    assert.match(String(results['not-removed']), /dated later than now/);
    contents.remove('ckf-backups', key);
    assert.equal((await backUp())['removed'], '2');
  });
});
