import assert from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from '../../src/ports/fields.ts';
import { tree } from '../rigs/tree.ts';
import { assertEnded } from '../rigs/volumes.ts';
import type { StoredObject } from '../servers/kubernetes/stored-object.ts';
import type { VolumeRig } from './volume-round.ts';

const volume = 'bob/data';

/** What is done while pods are struck. */
const works = {
  'a backup': ['backup-volumes', { volumes: volume }],
  'a restore in place': ['restore-volume', { volume, confirm: volume, 'delete-extra': true }],
  'a restore into a folder': ['restore-volume', { volume, into: 'back' }],
  'a verification': ['verify-volumes', { namespace: 'bob', 'read-data': '1/1' }],
  'a test of a restore': ['verify-volumes', { 'test-restore': volume }],
} as const;

type Work = keyof typeof works;

export const podWorks = Object.keys(works) as readonly Work[];

/** What happens to one pod of ours. */
const fates = ['killed', 'evicted', 'deleted'] as const;

export interface PodBlow {
  readonly work: Work;
  /** Milliseconds between one blow and the next; the first comes so long after the beginning. */
  readonly every: number;
  readonly blows: number;
  readonly random: () => number;
}

/**
 * Work on a volume whose pods, those beside the volume as well as our own, are killed, evicted and
 * deleted meanwhile; or the charm is killed. Fails when a promise is broken: what ends well has
 * done what it says, the hook after it leaves nothing of ours in any namespace, the next session
 * succeeds, and its backup comes back as the volume is. Returns what was struck, and how it ended.
 */
export const playPodRound = async (
  { rig: { box }, volumes }: VolumeRig,
  { work, every, blows, random }: PodBlow,
): Promise<{ readonly struck: readonly string[]; readonly ended: string }> => {
  const directory = volumes.at(volume);
  const files = (folder = directory) => tree(folder, (path) => path.startsWith('/back'));
  const [action, parameters] = works[work];
  writeFileSync(join(directory, 'changed'), String(random()).repeat(20_000));
  if (action === 'restore-volume') await succeeds({ box }, 'backup-volumes', { volumes: volume });
  const kept = files();
  if (work === 'a restore in place') spoil(directory);

  const struck: string[] = [];
  const running = box.start(action, parameters);
  const blow = setInterval(() => {
    if (struck.length === blows) return;
    // The charm is one of six that are struck.
    if (random() < 1 / 6) {
      running.signal('SIGKILL');
      struck.push('charm killed');
      return;
    }
    const words = strikePod(volumes.workloads, random);
    if (words !== undefined) struck.push(words);
  }, every);
  const { status, message, results, dispatch } = await running.done;
  clearInterval(blow);
  const wasKilled = dispatch.signal !== null;
  if (!wasKilled && status === 'completed' && action === 'restore-volume')
    assert.deepEqual(files(join(directory, textOf(results['folder']))), kept);
  if (!wasKilled && status !== 'completed') assert.match(message, /\[[a-z-]+\]$/);

  assert.equal((await box.hook('update-status')).exitCode, 0);
  assertEnded({ box, volumes });
  await succeeds({ box }, 'backup-volumes', { volumes: volume });
  await succeeds({ box }, 'verify-volumes', { namespace: 'bob', 'read-data': '1/1' });
  const now = files();
  const { folder } = await succeeds({ box }, 'restore-volume', { volume, into: 'back' });
  assert.deepEqual(files(join(directory, textOf(folder))), now);
  assertEnded({ box, volumes });
  rmSync(join(directory, 'back'), { recursive: true });
  return { struck, ended: wasKilled ? 'killed' : status === 'completed' ? status : message };
};

const succeeds = async (
  { box }: Pick<VolumeRig['rig'], 'box'>,
  action: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> => {
  const { status, message, results } = await box.run(action, parameters);
  assert.equal(status, 'completed', message);
  if ('phase' in results) assert.equal(results['phase'], 'Succeeded');
  return results;
};

const spoil = (directory: string): void => {
  writeFileSync(join(directory, 'extra'), 'made since');
  const [part = ''] = readdirSync(directory).filter((name) => name.startsWith('part-'));
  rmSync(join(directory, part), { recursive: true });
};

/** Undefined when there is none. */
const strikePod = (
  workloads: VolumeRig['volumes']['workloads'],
  random: () => number,
): string | undefined => {
  const pick = <T>(all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)];
  const pods = workloads.store
    .list('pods', undefined, 'app.kubernetes.io/managed-by=ckf-backup')
    .filter(({ status }) => status?.phase === 'Running');
  const pod: StoredObject | undefined = pick(pods);
  const fate = pick(fates);
  if (pod === undefined || fate === undefined) return undefined;
  if (fate === 'killed') workloads.killPod(pod);
  else if (fate === 'evicted') workloads.evictPod(pod);
  else workloads.deletePod(pod);
  return `${pod.metadata.labels?.['ckf-backup/role'] ?? ''} ${fate}`;
};
