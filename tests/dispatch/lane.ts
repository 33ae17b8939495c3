import { createModel } from '../sandbox/model.ts';
import { startJujuController } from '../servers/juju/controller.ts';
import type { JujuUser } from '../servers/juju/users.ts';
import type { AgentEvent } from '../servers/unit-agent/environment.ts';
import { type UnitAgentState, newSecret, newStorage } from '../servers/unit-agent/state.ts';
import { type DispatchResult, startUnitAgent } from '../servers/unit-agent/unit-agent.ts';
import { jujuPassword, userSecret } from './world-of-relations.ts';

/** One unit after the other: a state goes in, the real dispatch runs, and a state comes out. */
export interface Lane extends AsyncDisposable {
  /** Alive: change them to revoke a grant. */
  readonly users: Record<string, JujuUser>;
  readonly controller: Awaited<ReturnType<typeof startJujuController>>;
  /** What went in is not touched. */
  run(
    before: UnitAgentState,
    event: AgentEvent,
  ): Promise<{ readonly after: UnitAgentState; readonly dispatch: DispatchResult }>;
}

/** Starts what the cases of a lane share: a controller with the user `backup`, and an agent. */
export const openLane = async (): Promise<Lane> => {
  await using resources = new AsyncDisposableStack();
  const model = createModel({ name: 'kubeflow', pace: 1 });
  resources.defer(() => {
    model.stop();
  });
  const users: Record<string, JujuUser> = { backup: { password: jujuPassword, access: 'write' } };
  const controller = resources.use(await startJujuController({ model, users }));
  const agent = resources.use(
    await startUnitAgent({
      controller: { addresses: [controller.endpoint], ca: controller.ca },
    }),
  );
  const journal = await agent.attachStorage('journal');
  const opened = resources.move();
  return {
    users,
    controller,
    async run(before, event) {
      const { state } = agent;
      for (const key of Object.keys(state)) Reflect.deleteProperty(state, key);
      const { name, uuid } = model.state;
      Object.assign(state, structuredClone(before), {
        model: { name, uuid },
        storage: storageOf(before, journal),
      });
      const relation = state.relations.find(({ id }) => 'hook' in event && id === event.relation);
      if (relation && 'hook' in event && event.hook.endsWith('-broken'))
        [relation.broken, relation.remoteUnits] = [true, []];
      const dispatch = await agent.dispatch(event);
      return { after: structuredClone(state), dispatch };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
};

/** The journal is mounted, unless a case says that it is not there yet, or not any more. */
const storageOf = ({ storage }: UnitAgentState, journal: string): UnitAgentState['storage'] => {
  const given = storage['journal']?.map(({ mounted }) => ({ ...newStorage(journal), mounted }));
  return { journal: given ?? [newStorage(journal)] };
};

/** `juju add-secret`, `juju grant-secret` and `juju config ckf-backup juju-credentials=…`. */
export const giveCredentials = (
  state: UnitAgentState,
  content: Record<string, string> = { username: 'backup', password: jujuPassword },
  grants: string[] = ['ckf-backup'],
): void => {
  state.config['juju-credentials'] = `secret:${userSecret}`;
  state.secrets.push(newSecret(userSecret, 'user', content, grants));
};
