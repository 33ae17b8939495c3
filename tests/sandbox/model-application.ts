import type { ActionDefinition, ActionHandler, Behaviour, ModelCore } from './model-core.ts';
import type { ApplicationState, ModelState, RelationState, UnitState } from './model-state.ts';

export interface ApplicationDefinition {
  readonly name: string;
  /** `mysql-k8s` */
  readonly charm: string;
  readonly revision?: number;
  readonly channel?: string;
  readonly workloadVersion?: string;
  /**
   * How many units it has from the start, active and idle; `onUnitAdded` is not called for these.
   */
  readonly units?: number;
  readonly actions?: Readonly<Record<string, ActionHandler | ActionDefinition>>;
  /**
   * What its units say while a hook of theirs runs, `update-status` included; by default they say
   * nothing.
   */
  readonly saysInHooks?: string;
  readonly onUnitAdded?: Behaviour['onUnitAdded'];
  readonly onUnitReady?: Behaviour['onUnitReady'];
  readonly onUnitRemoved?: Behaviour['onUnitRemoved'];
}

export const newApplication = (
  core: ModelCore,
  definition: ApplicationDefinition,
): ApplicationState => {
  const { name, charm, revision = 1, units = 1 } = definition;
  return {
    name,
    charm: `ch:amd64/${charm}-${revision}`,
    channel: definition.channel ?? 'latest/stable',
    revision,
    workloadVersion: definition.workloadVersion ?? '',
    life: 'alive',
    status: undefined,
    scale: units,
    nextUnit: units,
    scheduling: 'normal',
    units: Array.from({ length: units }, (_, number) => ({
      ...newUnit(core, name, number, number === 0),
      workload: core.status('active'),
      agent: core.status('idle'),
    })),
  };
};

export const newUnit = (
  core: ModelCore,
  application: string,
  number: number,
  leader: boolean,
): UnitState => ({
  name: `${application}/${number}`,
  number,
  leader,
  life: 'alive',
  workload: core.status('waiting', 'installing agent'),
  agent: core.status('allocating'),
  address: `10.1.0.${number + 1}`,
});

export const behaviourOf = ({
  actions = {},
  saysInHooks,
  onUnitAdded,
  onUnitReady,
  onUnitRemoved,
}: ApplicationDefinition): Behaviour => ({
  actions: new Map(
    Object.entries(actions).map(([action, does]) => [
      action,
      typeof does === 'function' ? { handler: does } : does,
    ]),
  ),
  saysInHooks,
  onUnitAdded,
  onUnitReady,
  onUnitRemoved,
});

export const newRelation = (
  { relations }: ModelState,
  interfaceName: string,
  provider: string,
  requirer: string,
): RelationState => ({
  id: relations.reduce((last, { id }) => Math.max(last, id), -1) + 1,
  interface: interfaceName,
  provider: endpointOf(provider),
  requirer: endpointOf(requirer),
});

const endpointOf = (text: string) => {
  const [application = '', endpoint = ''] = text.split(':');
  return { application, endpoint };
};
