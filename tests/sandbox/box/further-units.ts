import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { newStorage, newUnit, type UnitAgentState } from '../../servers/unit-agent/state.ts';
import { startUnitAgent, type UnitAgent } from '../../servers/unit-agent/unit-agent.ts';
import type { Model } from '../model.ts';
import type { BackupUnit } from './backup-unit.ts';

/**
 * ckf-backup/1 and more, as after `juju scale-application ckf-backup <n>`: agents that run the real
 * `dispatch`, and none of which is the leader. What Juju tells the whole application (options,
 * relations, secrets) they have from the first unit. Their own hooks are not played.
 */
export const startFurtherUnits = async (options: {
  readonly model: Model;
  readonly first: BackupUnit;
  /** Of all, with the first one. */
  readonly units: number;
  readonly charm: string | undefined;
  /** Where their storages lie. */
  readonly directory: string;
  readonly controller: { readonly addresses: readonly string[]; readonly ca: string };
  readonly environment: Readonly<Record<string, string>>;
}): Promise<ReadonlyMap<string, UnitAgent> & AsyncDisposable> => {
  const { model, first, units, charm, directory, controller, environment } = options;
  const agents = new Map<string, UnitAgent>();
  for (let number = 1; number < units; number += 1) {
    const journal = join(directory, `journal-${number}`);
    mkdirSync(journal, { recursive: true });
    const state = stateBeside(first.agent.state, number, journal);
    const agent = await startUnitAgent({
      ...{ state, controller, environment },
      ...(charm !== undefined && { charm }),
      onProgress: () => {
        const { status, message } = state.unitStatus;
        model.setWorkload(`${state.application}/${number}`, status, message);
      },
    });
    agents.set(`${state.application}/${number}`, agent);
  }
  model.setScale(first.agent.state.application, units);
  return Object.assign(agents, {
    [Symbol.asyncDispose]: async () => {
      for (const agent of agents.values()) await agent[Symbol.asyncDispose]();
    },
  });
};

const stateBeside = (first: UnitAgentState, unit: number, journal: string): UnitAgentState => ({
  ...newUnit({ model: first.model, application: first.application, unit, leader: false }),
  jujuVersion: first.jujuVersion,
  ...(first.credential && { credential: first.credential }),
  storage: { journal: [newStorage(journal, 19 + unit)] },
  unitStatus: { status: 'active', message: '' },
  get config() {
    return first.config;
  },
  get relations() {
    return first.relations;
  },
  get secrets() {
    return first.secrets;
  },
});
