import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { work } from '../../src/actions/work.ts';
import type { Config } from '../../src/config/config.ts';
import type { World } from '../../src/world.ts';
import { FakeProgress } from '../fakes/progress.ts';
import { aBackupWorld, type BackupWorldRig } from './backup-world.ts';

export interface TeamWorldRig extends BackupWorldRig {
  /** The world of the unit of this number: a machine, a disk and a log of its own. */
  worldOf(unit: number): World & { readonly progress: FakeProgress };
  /** Puts another world in the place of the one that the action `work` has. */
  readonly worlds: Map<number, World>;
  /** How the tasks of `work` ended, by their units: the result, or an error. */
  readonly ended: Map<number, string>;
}

/** Several units of ckf-backup in one model; each runs `work` when another one asks for it. */
export const aTeamWorld = (units: number, config: Config): TeamWorldRig => {
  const rig = aBackupWorld();
  const worlds = new Map<number, World>();
  const ended: TeamWorldRig['ended'] = new Map();
  const worldOf = (unit: number) => {
    const scratch = join(rig.whole.scratch, String(unit));
    mkdirSync(scratch, { recursive: true });
    const progress = new FakeProgress();
    return { ...rig.whole, unit: `ckf-backup/${unit}`, host: `node-${unit}`, scratch, progress };
  };
  rig.model.addApplication({
    ...{ name: 'ckf-backup', charm: 'ckf-backup', units },
    actions: {
      work: async ({ unit, parameters }) => {
        const number = Number(unit.split('/')[1]);
        const world = worlds.get(number) ?? worldOf(number);
        try {
          const { result = '' } = await work(world, config, parameters);
          ended.set(number, result);
          return {};
        } catch (error) {
          ended.set(number, error instanceof Error ? String(error.stack) : '');
          return { failed: String(error) };
        }
      },
    },
  });
  return { ...rig, worldOf, worlds, ended };
};
