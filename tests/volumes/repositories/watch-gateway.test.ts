import assert from 'node:assert/strict';
import { CharmError } from '../../../src/errors.ts';
import { layoutOf } from '../../../src/repository/layout.ts';
import { backUpVolumes } from '../../../src/volumes/back-up-volumes.ts';
import type { VolumeRecord } from '../../../src/volumes/records/session-record.ts';
import { oursIn } from '../../fakes/cluster.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';
import { intercept } from '../../rigs/intercept.ts';
import { type VolumeWorldRig, aWorldOfTwoUsers, volumesConfig } from '../../rigs/volume-world.ts';

describe('while volumes are uploaded', () => {
  let rig: VolumeWorldRig;
  beforeEach(() => {
    rig = aWorldOfTwoUsers();
    rig.addVolume('bob/models', { weights: 'many numbers' });
  });
  afterEach(() => {
    assert.deepEqual(oursIn(rig.cluster), [], 'nothing of ours is left in the cluster');
    rig[Symbol.dispose]();
  });

  const { volumes: config } = volumesConfig({ parallel: 1 });
  const backUp = async (): Promise<readonly VolumeRecord[]> => {
    const { volumes } = await backUpVolumes(rig.whole, config, { kind: 'all' });
    await rig.later(60);
    return volumes;
  };
  const said = (volumes: readonly VolumeRecord[]): readonly string[] =>
    volumes.map(({ claim, phase, reason = '' }) => `${claim} ${phase} ${reason}`.trim());
  const backups = () => rig.restic.commands.filter((one) => one === 'backup: backup').length;
  const seconds = (): number => rig.clock.now().getTime() / 1000;
  const killGateway = (): void => {
    for (const { metadata } of rig.cluster.store.list(
      'pods',
      'kubeflow',
      'ckf-backup/role=gateway',
    ))
      rig.cluster.store.remove('pods', 'kubeflow', metadata.name);
  };
  /** So many gateways die while bob/models is uploaded; restic then waits for an hour. */
  const killGateways = (most: number): void => {
    let killed = 0;
    rig.restic.instead = async ({ pod }, role) => {
      const isModels = JSON.stringify(pod.spec).includes('"claimName":"models"');
      if (role !== 'backup' || !isModels || killed === most) return undefined;
      killed += 1;
      killGateway();
      await rig.later(3600);
      return { exitCode: 1, output: '' };
    };
  };

  it('a gateway that dies is replaced at once, and what is uploaded stays so', async () => {
    killGateways(1);
    const began = seconds();
    assert.deepEqual(said(await backUp()), [
      ...['home Succeeded', 'data Succeeded', 'models Succeeded'],
    ]);
    assert.equal(backups(), 4, 'bob/data was not read again');
    assert.ok(seconds() - began < 300);
    assert.match(rig.progress.notes.join('\n'), /^bob: the pod of the gateway ended; the volumes/m);
  });

  it('a second gateway that dies is named, and the next session succeeds', async () => {
    killGateways(2);
    assert.deepEqual(said(await backUp()), [
      ...['home Succeeded', 'data Succeeded'],
      'models Failed bob: the pod of the gateway ended before the work had. Its node may have been drained: kubectl get events. Run the action again; it goes on from there.',
    ]);
    assert.deepEqual(
      new Set(said(await backUp()).map((line) => line.split(' ')[1])),
      new Set(['Succeeded']),
    );
  });

  it('a gateway that dies while the repository is made is replaced, once', async () => {
    const began = seconds();
    const dying = async (most: number): Promise<readonly string[]> => {
      let killed = 0;
      rig.restic.instead = async ({ pod }, role) => {
        if (role !== 'init' || !JSON.stringify(pod.spec).includes('"bob"') || killed === most)
          return undefined;
        killed += 1;
        killGateway();
        // What restic has written by then, and restic would try for a quarter of an hour.
        rig.store.seed(`${layoutOf('ckf').repository('bob')}keys/half-made`, 'a key');
        await rig.later(900);
        return { exitCode: 1, output: '' };
      };
      return said(await backUp());
    };
    assert.deepEqual(await dying(2), [
      'home Succeeded',
      ...['data', 'models'].map(
        (claim) =>
          `${claim} Failed bob: the pod of the gateway ended before the work had. Its node may have been drained: kubectl get events. Run the action again; it goes on from there.`,
      ),
    ]);
    assert.deepEqual(await dying(1), [...['home Succeeded', 'data Succeeded', 'models Succeeded']]);
    assert.equal(rig.keysOf('bob', 'keys').length, 1);
    assert.ok(seconds() - began < 600, 'nobody waits for restic');
  });

  /** For half an hour bob's user puts so many files there in each minute. */
  const flood = (perMinute: number, name: string, size: number): void => {
    const place = layoutOf('ckf').repository('bob');
    let junk = 0;
    intercept(
      rig.store,
      'list',
      (list) =>
        async function* (prefix, ...more) {
          yield* list(prefix, ...more);
          for (let file = 0; prefix === place && file < junk; file += 1)
            yield { key: `${place}${name}${file}`, size, lastModified: new Date(0), etag: '' };
        },
    );
    rig.restic.instead = async ({ pod }, role) => {
      if (role !== 'backup' || pod.metadata.namespace !== 'bob') return undefined;
      for (let minute = 0; minute < 30; minute += 1) {
        junk += perMinute;
        await rig.later(60);
      }
      return undefined;
    };
  };

  it('a repository that grows by more than its volumes may hold is stopped, and the others go on', async () => {
    await backUp();
    // Two claims of 5Gi each may be written twice over.
    flood(1, 'data/zz/junk-', 2 ** 30);
    const began = seconds();
    const volumes = said(await backUp());
    assert.equal(volumes[0], 'home Succeeded');
    assert.match(
      volumes[1] ?? '',
      /^data Failed bob: the repository grew by 2[12](\.0)? GiB in this session, and its volumes may hold 10(\.0)? GiB, so that it was stopped\. Somebody/,
    );
    assert.match(volumes[2] ?? '', /^models Failed bob: the repository grew by/);
    assert.ok(seconds() - began < 25 * 60);
    rig.restic.instead = () => undefined;
    assert.deepEqual(said(await backUp()), [
      ...['home Succeeded', 'data Succeeded', 'models Succeeded'],
    ]);
  });

  it('a repository that gets more small files than restic makes is stopped', async () => {
    await backUp();
    flood(1000, 'snapshots/junk-', 1);
    const volumes = said(await backUp());
    assert.equal(volumes[0], 'home Succeeded');
    assert.match(
      volumes[1] ?? '',
      /^data Failed bob: the repository grew by \d+ small files in this session, so that it was stopped\. Somebody/,
    );
  });

  it('keys that S3 refuses by now are not waited for, as restic does for a quarter of an hour', async () => {
    await backUp();
    const began = seconds();
    const restored: (() => void)[] = [];
    rig.restic.instead = async (_run, role) => {
      if (role !== 'backup') return undefined;
      restored.push(
        intercept(rig.store, 'list', () => () => {
          throw new CharmError('store-denied', 'S3 refuses the keys.');
        }),
      );
      await rig.later(900);
      return { exitCode: 1, output: '' };
    };
    await rejectsWithCode(backUp(), 'store-denied');
    assert.ok(seconds() - began < 300);
    for (const restore of restored) restore();
    rig.restic.instead = () => undefined;
    assert.equal(said(await backUp())[0], 'home Succeeded');
  });

  it('what is uploaded in parts and without end is aborted, also when the gateway is shut', async () => {
    await backUp();
    const place = layoutOf('ckf').repository('bob');
    const unfinished = () => Array.fromAsync(rig.store.unfinishedUploads(place));
    const left: number[] = [];
    rig.restic.instead = async ({ pod }, role) => {
      if (role !== 'backup' || pod.metadata.namespace !== 'bob') return undefined;
      await rig.store.startParts(`${place}data/zz/without-end`, {});
      await rig.later(200);
      left.push((await unfinished()).length);
      await rig.store.startParts(`${place}data/zz/another`, {});
      return undefined;
    };
    assert.deepEqual(said(await backUp()), [
      ...['home Succeeded', 'data Succeeded', 'models Succeeded'],
    ]);
    assert.equal(left[0], 0);
    assert.deepEqual(await unfinished(), []);
  });

  it('S3 may be away when the growth is to be seen', async () => {
    await backUp();
    const place = layoutOf('ckf').repository('alice');
    let lists = 0;
    intercept(rig.store, 'list', (list) => (prefix, ...more) => {
      if (prefix === place && (lists += 1) === 2)
        throw new CharmError('store-unreachable', 'S3 is away.');
      return list(prefix, ...more);
    });
    rig.restic.instead = async (_run, role) => {
      if (role === 'backup') await rig.later(300);
      return undefined;
    };
    assert.equal(said(await backUp())[0], 'home Succeeded');
    assert.ok(lists > 2);
  });
});
