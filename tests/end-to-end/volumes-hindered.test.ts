import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needsVolumeTools } from '../rigs/needs.ts';
import { until } from '../rigs/restic.ts';
import { tree } from '../rigs/tree.ts';
import { assertEnded, boxWithVolumes } from '../rigs/volumes.ts';
import { addClaim } from '../sandbox/box/volumes.ts';

const volume = 'bob/data';

describe("users' volumes whose pods are hindered, on a box whose minutes are short", () => {
  const opened = boxWithVolumes(30);
  before(async function () {
    await needsVolumeTools(this);
    await opened().box.configure({ volumes: 'bob/*' });
    assert.equal((await opened().box.run('backup-volumes')).status, 'completed');
  });
  afterEach(() => {
    assertEnded(opened());
  });

  /** As the next session does, whatever became of one. */
  const succeeds = async (): Promise<void> => {
    assertEnded(opened());
    const { status, message } = await opened().box.run('backup-volumes');
    assert.equal(status, 'completed', message);
  };

  const workloads = () => opened().volumes.workloads;
  const pod = (role: string) =>
    workloads()
      .store.list('pods', undefined, `ckf-backup/role=${role}`)
      .find(({ status }) => status?.phase === 'Running');
  /** Does this once, before there is a pod of a Job. */
  const whenJobIsMade = (act: () => void): void => {
    workloads().onMade = ({ kind }) => {
      if (kind !== 'Job') return;
      workloads().onMade = () => undefined;
      act();
    };
  };
  /** Backs up, and does this once restic runs beside the volume. */
  const during = async (act: () => void) => {
    const running = opened().box.start('backup-volumes');
    await until(() => pod('backup'));
    act();
    return running.done;
  };
  const said = ({ log }: { readonly log: readonly string[] }): string =>
    log.find((line) => line.includes(`${volume}: Failed: `)) ?? log.join('\n');
  /** More than is uploaded while a test looks; restic has sent nothing of it when it is killed. */
  const slowly = async (): Promise<void> => {
    writeFileSync(join(opened().volumes.at(volume), 'big'), randomBytes(1_200_000));
    await opened().box.configure({ 'bandwidth-limit': '200k' });
  };
  const quickly = async (): Promise<void> =>
    opened().box.configure({ 'bandwidth-limit': undefined });

  it('are left out when only one pod may have them, which is named; so is a restore into a folder', async () => {
    const { box } = opened();
    addClaim(workloads(), 'bob', 'only', { accessModes: ['ReadWriteOncePod'] });
    writeFileSync(join(opened().volumes.at('bob/only'), 'file'), 'words');
    assert.equal((await box.run('backup-volumes')).status, 'completed');
    workloads().addUserPod('bob', 'nb-0', 'only');
    const { status, results, log } = await box.run('backup-volumes');
    assert.equal(status, 'completed');
    assert.equal(results['skipped'], '1');
    assert.match(
      log.join('\n'),
      /bob\/only: Skipped: ReadWriteOncePod, and a pod uses it: stop that pod first, or set volumes-in-use=stop; the pod is nb-0/,
    );
    const refused = await box.run('restore-volume', { volume: 'bob/only', into: 'back' });
    assert.equal(refused.results['error-code'], 'volume-in-use');
    assert.match(
      refused.message,
      /in use by the pod nb-0\. .* to=<claim>: this one is ReadWriteOn/,
    );
    workloads().store.remove('pods', 'bob', 'nb-0');
  });

  it('say so when a notebook got such a volume before our pod', async () => {
    whenJobIsMade(() => {
      workloads().addUserPod('bob', 'nb-0', 'only');
    });
    const run = await opened().box.run('backup-volumes', { volumes: 'bob/only' });
    workloads().store.remove('pods', 'bob', 'nb-0');
    workloads().store.remove('persistentvolumeclaims', 'bob', 'only');
    assert.equal(run.status, 'failed');
    assert.match(
      run.log.join('\n'),
      /bob\/only: Failed: .* did not start: FailedScheduling: 0\/2 nodes are available: .*ReadWriteOncePod access mode\. .*scheduling\. A pod has the volume, and no second one may: stop the notebook, or set volumes-in-use=stop\./,
    );
    await succeeds();
  });

  it('are backed up on the node where their notebook started before our pod', async () => {
    whenJobIsMade(() => {
      workloads().addUserPod('bob', 'lab-0', 'data', 'node-2');
    });
    const { status, message } = await opened().box.run('backup-volumes');
    assert.equal(status, 'completed', message);
    workloads().store.remove('pods', 'bob', 'lab-0');
  });

  it('say that another node has the volume, and not only that its mount took too long', async () => {
    workloads().faults.set(volume, { attached: true });
    const run = await opened().box.run('backup-volumes');
    workloads().faults.clear();
    assert.equal(run.status, 'failed');
    assert.match(
      said(run),
      /the pod ckf-backup-\S+ did not start: FailedAttachVolume: Multi-Attach error for volume "pvc-data" .*\. A pod on another node holds the volume: wait until that pod is gone\. When there is none, .*: kubectl get volumeattachments/,
    );
    await succeeds();
  });

  it('are backed up although a file cannot be read, which is named', async () => {
    const { box, volumes } = opened();
    const file = join(volumes.at(volume), 'of-another');
    writeFileSync(file, 'not yours');
    chmodSync(file, 0);
    if (process.getuid?.() === 0) chownSync(file, 4321, 4321);
    await box.configure({ 'volumes-run-as': 'notebook' });
    const { status, message, results, log } = await box.run('backup-volumes');
    assert.equal(status, 'completed', message);
    assert.equal(results['phase'], 'PartiallyFailed');
    assert.match(
      log.join('\n'),
      /bob\/data: PartiallyFailed: Some files could not be read, the last of them: \S*of-another: .*permission denied\. The backup has all the others\./,
    );
    const { results: listed } = await box.run('list-volume-backups', { volume });
    assert.match(String(listed['backups']).split('\n')[1] ?? '', / no +-$/);
    rmSync(file);
    await box.configure({ 'volumes-run-as': undefined });
  });

  it('are given up after their deadline', async () => {
    await slowly();
    await opened().box.configure({ 'volumes-deadline': '1m' });
    const run = await opened().box.run('backup-volumes');
    assert.equal(run.status, 'failed');
    assert.match(
      said(run),
      /restic took longer than 1 minutes \(volumes-deadline\) and was stopped\. What was uploaded is used the next time\./,
    );
    await opened().box.configure({ 'volumes-deadline': undefined });
    await quickly();
    await succeeds();
  });

  it('are backed up through a new gateway when theirs is killed in the middle', async () => {
    await slowly();
    const { status, message, log } = await during(() => {
      assert.equal(workloads().killPods('gateway'), 1);
    });
    assert.equal(status, 'completed', message);
    assert.match(
      log.join('\n'),
      /bob: the pod of the gateway ended; the volumes that are left are/,
    );
    await quickly();
  });

  it('are restored whole into a folder although the pod is killed in the middle', async () => {
    const { box, volumes } = opened();
    await slowly();
    await quickly();
    await succeeds();
    await box.configure({ 'bandwidth-limit': '200k' });
    const kept = tree(volumes.at(volume), () => false);
    const running = box.start('restore-volume', { volume, into: 'back' });
    const back = join(volumes.at(volume), 'back');
    await until(() => {
      const [folder] = existsSync(back) ? readdirSync(back) : [];
      return folder !== undefined && existsSync(join(back, folder, 'big')) ? true : undefined;
    });
    assert.equal(workloads().killPods('restore'), 1);
    const { status, message, results } = await running.done;
    assert.equal(status, 'completed', message);
    assert.deepEqual(
      tree(join(volumes.at(volume), String(results['folder'])), () => false),
      kept,
    );
    rmSync(back, { recursive: true });
    await quickly();
  });

  it('say so when each gateway is killed', async () => {
    await slowly();
    const { box } = opened();
    const running = box.start('backup-volumes');
    for (let before = ''; ;) {
      // Those of the first gateway stay for a while.
      const beside = await until(() => {
        const found = pod('backup');
        return found?.metadata.uid === before ? undefined : found;
      });
      workloads().killPods('gateway');
      if (before !== '') break;
      before = beside.metadata.uid;
    }
    const run = await running.done;
    assert.equal(run.status, 'failed');
    assert.match(
      said(run),
      /the pod of the gateway ended before the work had\. Its node may have been drained: kubectl get events\. Run the action again; it goes on from there\./,
    );
    await quickly();
    await succeeds();
  });

  it('are backed up on the node to which the notebook went, when theirs is drained', async () => {
    await slowly();
    workloads().addUserPod('bob', 'lab-0', 'data', 'node-1');
    const { status, message, results } = await during(() => {
      workloads().drain('node-1');
      workloads().addUserPod('bob', 'lab-0', 'data', 'node-2');
    });
    assert.equal(status, 'completed', message);
    assert.equal(results['phase'], 'Succeeded');
    workloads().store.remove('pods', 'bob', 'lab-0');
    workloads().store.remove('nodes', '', 'node-1');
    await quickly();
  });

  it('keep their volume to the end when the claim is deleted in the middle', async () => {
    await slowly();
    const { store } = workloads();
    const mark = (deletionTimestamp: string | null) => {
      store.patch('persistentvolumeclaims', 'bob', 'data', { metadata: { deletionTimestamp } });
    };
    const { status, message } = await during(() => {
      mark(new Date().toISOString());
    });
    assert.equal(status, 'completed', message);
    const { results, log } = await opened().box.run('backup-volumes');
    assert.equal(results['skipped'], '1');
    assert.match(log.join('\n'), /bob\/data: Skipped: the claim is being deleted/);
    mark(null);
    await quickly();
  });
});
