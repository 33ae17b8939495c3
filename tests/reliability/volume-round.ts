import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type UserVolumes, addVolumes } from '../sandbox/box/volumes.ts';
import { assertEnded } from '../rigs/volumes.ts';
import { lookOn, type Moment } from './moments.ts';
import type { Rig } from './rig.ts';
import { type Blow, strike } from './strike.ts';

/** A rig whose users have volumes. */
export interface VolumeRig extends AsyncDisposable {
  readonly rig: Rig;
  readonly volumes: UserVolumes;
}

export const openVolumeRig = async (rig: Rig): Promise<VolumeRig> => {
  const directory = mkdtempSync(join(tmpdir(), 'volumes-'));
  const volumes = await addVolumes(rig.box, directory);
  return {
    ...{ rig, volumes },
    [Symbol.asyncDispose]: async () => {
      await volumes[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

/** One session that nobody disturbs: its moments, and how long it takes. */
export const watchVolumes = async ({
  rig,
}: VolumeRig): Promise<{ readonly seen: readonly Moment[]; readonly milliseconds: number }> => {
  const seen: Moment[] = [];
  using _looking = lookOn(rig, (moment) => {
    seen.push(moment);
    return undefined;
  });
  const started = performance.now();
  const { status, message } = await rig.box.run('backup-volumes');
  assert.equal(status, 'completed', message);
  return { seen, milliseconds: performance.now() - started };
};

/** Every moment at which the charm changes something, and one of each kind of the others. */
export const decisiveOfVolumes = (seen: readonly Moment[]): readonly Moment[] => {
  const kinds = new Set<string>();
  return seen.filter(({ what, when, nth }) => {
    if (
      /^(log |journal |kubernetes (POST|PATCH|DELETE)|s3 \w+ volumes\/(sessions|locks))/.test(what)
    )
      return true;
    const kind = `${when} ${what}`;
    const isFirst = nth === 1 && !kinds.has(kind);
    kinds.add(kind);
    return isFirst;
  });
};

/**
 * A session that is struck, the hook after it, and the next session. Fails when a promise is
 * broken: after the hook nothing of ours is left in any namespace, no session says that it runs, no
 * repository is locked, and the next session succeeds. Returns whether the process died of the
 * blow.
 */
export const playVolumeRound = async (
  opened: VolumeRig,
  blow: Blow,
  which: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly struck: boolean }> => {
  const { rig, volumes } = opened;
  const { box, journal } = rig;
  writeFileSync(join(volumes.at('carol/lab-workspace'), 'changed'), String(performance.now()));
  const struck = await strike(rig, blow, () => box.start('backup-volumes', which));
  assert.equal((await box.hook('update-status')).exitCode, 0);
  assertEnded({ box, volumes });
  assert.ok(!existsSync(join(journal, 'volume-session.json')));
  const next = await box.run('backup-volumes', which);
  assert.equal(next.status, 'completed', next.message);
  assert.equal(next.results['phase'], 'Succeeded');
  assertEnded({ box, volumes });
  return { struck };
};
