import { delimiter } from 'node:path';
import type { UnitAgentState } from './state.ts';

/** What Juju dispatches: a hook with what it is about, or an action. */
export type AgentEvent =
  | {
      readonly hook: string;
      /** The number of the relation that the hook is about. */
      readonly relation?: number;
      readonly remoteUnit?: string;
      readonly departingUnit?: string;
      readonly secret?: {
        readonly id: string;
        readonly label?: string;
        readonly revision?: number;
      };
      readonly storage?: { readonly id: string; readonly location: string };
    }
  | {
      readonly action: string;
      readonly parameters?: Readonly<Record<string, unknown>>;
      /** The id that the controller gave the task; the agent counts by itself without one. */
      readonly task?: string;
    };

/**
 * The whole environment of a hook or action (Juju 3.6, runner/context `HookVars`): nothing is
 * inherited, so there is no HOME, no TMPDIR, and no node on PATH.
 */
export const hookEnvironment = (
  state: UnitAgentState,
  event: AgentEvent,
  at: {
    readonly contextId: string;
    readonly charmDirectory: string;
    readonly toolsDirectory: string;
    readonly socket: string;
    readonly apiAddresses: readonly string[];
    readonly task: string;
    readonly extra: Readonly<Record<string, string>>;
  },
): Record<string, string> => ({
  CHARM_DIR: at.charmDirectory,
  JUJU_CHARM_DIR: at.charmDirectory,
  JUJU_CONTEXT_ID: at.contextId,
  JUJU_HOOK_NAME: 'hook' in event ? event.hook : '',
  JUJU_AGENT_SOCKET_ADDRESS: at.socket,
  JUJU_AGENT_SOCKET_NETWORK: 'unix',
  JUJU_UNIT_NAME: `${state.application}/${state.unit}`,
  JUJU_MODEL_UUID: state.model.uuid,
  JUJU_MODEL_NAME: state.model.name,
  JUJU_API_ADDRESSES: at.apiAddresses.join(' '),
  JUJU_MACHINE_ID: '',
  JUJU_PRINCIPAL_UNIT: '',
  JUJU_AVAILABILITY_ZONE: '',
  JUJU_VERSION: state.jujuVersion,
  CLOUD_API_VERSION: '1.31.0',
  JUJU_CHARM_HTTP_PROXY: '',
  JUJU_CHARM_HTTPS_PROXY: '',
  JUJU_CHARM_FTP_PROXY: '',
  JUJU_CHARM_NO_PROXY: '',
  JUJU_SLA: 'unsupported',
  PATH: [at.toolsDirectory, '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(delimiter),
  LANG: 'C.UTF-8',
  TERM: 'tmux-256color',
  DEBIAN_FRONTEND: 'noninteractive',
  APT_LISTCHANGES_FRONTEND: 'none',
  ...at.extra,
  ...('hook' in event ? hookVariables(state, event) : actionVariables(event.action, at.task)),
});

const hookVariables = (
  state: UnitAgentState,
  event: Extract<AgentEvent, { hook: string }>,
): Record<string, string> => {
  const relation = state.relations.find(({ id }) => id === event.relation);
  return {
    JUJU_DISPATCH_PATH: `hooks/${event.hook}`,
    ...(relation === undefined
      ? {}
      : {
          JUJU_RELATION: relation.endpoint,
          JUJU_RELATION_ID: `${relation.endpoint}:${relation.id}`,
          JUJU_REMOTE_UNIT: event.remoteUnit ?? '',
          JUJU_REMOTE_APP: relation.remoteApplication,
        }),
    ...(event.departingUnit === undefined ? {} : { JUJU_DEPARTING_UNIT: event.departingUnit }),
    ...(event.secret === undefined
      ? {}
      : {
          JUJU_SECRET_ID: `secret:${event.secret.id}`,
          JUJU_SECRET_LABEL: event.secret.label ?? '',
          JUJU_SECRET_REVISION: String(event.secret.revision ?? 1),
        }),
    ...(event.storage === undefined
      ? {}
      : {
          JUJU_STORAGE_ID: event.storage.id,
          JUJU_STORAGE_LOCATION: event.storage.location,
          JUJU_STORAGE_KIND: 'filesystem',
        }),
  };
};

const actionVariables = (action: string, task: string): Record<string, string> => ({
  JUJU_DISPATCH_PATH: `actions/${action}`,
  JUJU_ACTION_NAME: action,
  JUJU_ACTION_UUID: task,
  JUJU_ACTION_TAG: `action-${task}`,
});
