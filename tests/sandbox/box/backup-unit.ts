import { mkdirSync } from 'node:fs';
import type { AgentEvent } from '../../servers/unit-agent/environment.ts';
import {
  type CloudCredential,
  newStorage,
  newRelation,
  newUnit,
  type UnitAgentState,
} from '../../servers/unit-agent/state.ts';
import {
  type DispatchResult,
  startUnitAgent,
  type UnitAgent,
} from '../../servers/unit-agent/unit-agent.ts';
import { releaseOf } from '../../servers/juju/release.ts';
import type { Model } from '../model.ts';

export type Hook = Extract<AgentEvent, { hook: string }>;

/**
 * ckf-backup/0: Juju's agent, which runs the real `dispatch`, and its place in the model's status.
 */
export interface BackupUnit extends AsyncDisposable {
  readonly name: string;
  readonly agent: UnitAgent;
  /** Runs a hook. Rejects when it fails, as then the unit would be in error. */
  hook(event: Hook): Promise<DispatchResult>;
  /** Copies the unit's status into the model, where `juju status` finds it. */
  showStatus(): void;
}

export const startBackupUnit = async (options: {
  readonly model: Model;
  readonly jujuVersion: string;
  /** Where the charm lies; the checkout when it is undefined. */
  readonly charm: string | undefined;
  /** The filesystem of the storage `journal`, which outlives the unit's pod. */
  readonly journal: string;
  readonly saved: UnitAgentState | undefined;
  readonly controller: { readonly addresses: readonly string[]; readonly ca: string };
  readonly credential: CloudCredential;
  /** Called with each line of the running action's log. */
  readonly onLog: (line: string) => void;
  /** Added to what Juju gives. */
  readonly environment: Readonly<Record<string, string>>;
}): Promise<BackupUnit> => {
  const { model, jujuVersion, charm, journal, saved, controller, credential } = options;
  mkdirSync(journal, { recursive: true });
  const { name: modelName, uuid } = model.state;
  const state: UnitAgentState = {
    ...(saved ?? newUnit({ model: { name: modelName, uuid }, jujuVersion })),
    storage: { journal: [newStorage(journal)] },
    credential,
  };
  const { application } = state;
  // Juju makes the relation between an application's own units when it is deployed.
  if (!state.relations.some(({ endpoint }) => endpoint === 'ckf-backup-peers'))
    state.relations.push({
      ...newRelation(peerRelation, 'ckf-backup-peers', application),
      remoteUnits: [],
    });
  const name = `${application}/${state.unit}`;
  const showStatus = () => {
    const { unitStatus, applicationStatus } = state;
    model.setWorkload(name, unitStatus.status, unitStatus.message);
    if (applicationStatus.status !== 'unknown')
      model.setApplicationStatus(application, applicationStatus.status, applicationStatus.message);
  };
  const agent = await startUnitAgent({
    state,
    ...(charm !== undefined && { charm }),
    controller,
    environment: options.environment,
    onProgress: (line) => {
      showStatus();
      // A status comes as `[active] message`.
      if (!/^\[[a-z]+\] /.test(line)) options.onLog(line);
    },
  });
  return {
    name,
    agent,
    showStatus,
    async hook(event) {
      const result = await agent.dispatch(event);
      showStatus();
      if (result.exitCode !== 0)
        throw new Error(`hook failed: "${event.hook}"\n${result.stdout}${result.stderr}`);
      return result;
    },
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
};

/** The number of the relation between our own units: far from those that the model gives. */
const peerRelation = 1000;

/**
 * The first hooks of a unit, in Juju's order: since 4.0 the first of them run before the storage
 * that is listed has been mounted.
 */
export const install = async (unit: BackupUnit): Promise<void> => {
  const { state } = unit.agent;
  const journal = state.storage['journal']?.[0];
  if (journal === undefined) throw new Error('the unit has no storage journal');
  const attach = async () => {
    journal.mounted = true;
    const { id, location } = journal;
    await unit.hook({
      hook: 'journal-storage-attached',
      storage: { id: `journal/${id}`, location },
    });
  };
  const late = releaseOf(state.jujuVersion).installsBeforeStorage;
  journal.mounted = false;
  if (!late) await attach();
  for (const hook of ['install', 'leader-elected']) await unit.hook({ hook });
  if (late) await attach();
  for (const hook of ['config-changed', 'start']) await unit.hook({ hook });
};

/** What Juju runs when the charm's container was restarted. */
export const comeBack = async (unit: BackupUnit): Promise<void> => {
  await unit.hook({ hook: 'start' });
};
