import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needsVolumeTools } from '../rigs/needs.ts';
import { assertEnded, boxWithVolumes } from '../rigs/volumes.ts';
import type { StoredObject } from '../servers/kubernetes/stored-object.ts';

describe("users' volumes in bad weather", () => {
  const opened = boxWithVolumes();
  before(async function () {
    await needsVolumeTools(this);
    await opened().box.configure({ volumes: 'bob/*' });
  });
  afterEach(() => {
    assertEnded(opened());
  });

  /** What the session says of bob/data when this happens while its pod is about to start. */
  const when = async (happens: (job: StoredObject) => void): Promise<string> => {
    const { box, volumes } = opened();
    const { store, holds } = volumes.workloads;
    const held = Promise.withResolvers<undefined>();
    holds.set('bob/data', held.promise);
    const running = box.start('backup-volumes');
    for (let attempt = 0; ; attempt += 1) {
      const job = store.all('jobs', 'bob').find(({ spec }) => spec?.suspend === false);
      if (job !== undefined) {
        happens(job);
        break;
      }
      assert.ok(attempt < 1200, 'no Job came');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { status, log } = await running.done;
    holds.clear();
    held.resolve(undefined);
    assert.equal(status, 'failed');
    return log.find((line) => line.includes('bob/data: Failed: ')) ?? log.join('\n');
  };

  it('are not touched with an image that is too old', async () => {
    const { box, volumes } = opened();
    const { images, made } = volumes.workloads;
    const old = join(volumes.at('bob/data'), '../.restic-0.16');
    writeFileSync(old, '#!/bin/sh\necho "restic 0.16.4 compiled with go1.22.2"\n', { mode: 0o755 });
    images.set('mirror.test/restic:0.16.4', old);
    await box.configure({ 'restic-image': 'mirror.test/restic:0.16.4' });
    const { status, message, results } = await box.run('backup-volumes');
    assert.equal(status, 'failed');
    assert.equal(results['error-code'], 'volume-image-old');
    assert.match(message, /has restic 0\.16\.4\. It must be 0\.18\.0 or later: .* restic-image=/);
    assert.deepEqual(
      made.filter(({ kind }) => kind === 'Job'),
      [],
    );
    rmSync(old);
    await box.configure({ 'restic-image': 'mirror.test/restic:0.19' });
    assert.equal((await box.run('backup-volumes')).status, 'completed');
  });

  it('say so when a user deletes the Job, and are backed up the next time', async () => {
    const { box, volumes } = opened();
    const said = await when(({ metadata }) => {
      volumes.workloads.store.remove('jobs', 'bob', metadata.name);
    });
    assert.match(said, /the Job was deleted by somebody in the namespace/);
    assert.equal((await box.run('backup-volumes')).status, 'completed');
  });

  it('are not backed up because a user says so of the Job', async () => {
    const { store } = opened().volumes.workloads;
    const said = await when(({ metadata }) => {
      const complete = { type: 'Complete', status: 'True' };
      store.patch('jobs', 'bob', metadata.name, { status: { conditions: [complete] } });
    });
    assert.match(said, /bob\/data: Failed: /);
    const { results } = await opened().box.run('list-volume-backups', { volume: 'bob/data' });
    assert.equal(String(results['backups']).match(/\d{8}t\d{6}z/g)?.length, 2);
  });

  it('say so when the claim is deleted before its pod starts, at once', async () => {
    const { volumes } = opened();
    const { store } = volumes.workloads;
    const claim = store.get('persistentvolumeclaims', 'bob', 'data');
    const said = await when(() => {
      store.remove('persistentvolumeclaims', 'bob', 'data');
    });
    assert.match(said, /the claim was deleted before its backup/);
    store.create('persistentvolumeclaims', 'bob', claim);
  });

  it('are refused by the pod security restricted, and let in as the user of the notebook', async () => {
    const { box, volumes } = opened();
    volumes.workloads.store.patch('namespaces', '', 'bob', {
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    const { status, message } = await box.run('backup-volumes');
    assert.equal(status, 'failed');
    assert.match(message, /violates PodSecurity.*Set volumes-run-as=notebook/);
    await box.configure({ 'volumes-run-as': 'notebook' });
    const { status: second, message: why } = await box.run('backup-volumes');
    assert.equal(second, 'completed', why);
    const { status: third, message: refused } = await box.run('restore-volume', {
      ...{ volume: 'bob/data', into: 'back' },
    });
    assert.equal(third, 'completed', refused);
  });

  it('asked each image once for its version, in all these sessions', () => {
    const asked = opened().volumes.workloads.made.filter(
      ({ metadata }) => metadata.labels?.['ckf-backup/role'] === 'versions',
    );
    assert.equal(asked.length, 2);
  });
});
