import type { CharmEvent } from '../event.ts';
import type { Databag, HookTools, Status } from '../world.ts';

/**
 * The hook tools as one event sees them. While the last hook of a relation runs, Juju still lists
 * it; here it counts as gone. What Juju keeps for the time of a hook is asked for once: endpoints,
 * and in hooks the databags of applications. `update-status` does not set the status that is shown
 * already.
 */
export const toolsOfEvent = (tools: HookTools, event: CharmEvent): HookTools => {
  if (event.kind === 'action') return { ...tools, ...relationIdsOnce(tools, undefined) };
  const isBroken = event.name.endsWith('-relation-broken');
  return {
    ...tools,
    ...relationIdsOnce(tools, isBroken ? event.relationId : undefined),
    ...databagsOnce(tools),
    ...(event.name === 'update-status' ? statusOnce(tools) : {}),
  };
};

const relationIdsOnce = (
  tools: HookTools,
  broken: string | undefined,
): Pick<HookTools, 'relationIds'> => {
  const ask = async (endpoint: string): Promise<readonly string[]> =>
    (await tools.relationIds(endpoint)).filter((id) => id !== broken);
  return { relationIds: onceFor(ask) };
};

const databagsOnce = (
  tools: HookTools,
): Pick<HookTools, 'applicationData' | 'setApplicationData'> => {
  const bags = new Map<string, (application: string) => Promise<Databag>>();
  return {
    applicationData: (relationId, application) => {
      const ask =
        bags.get(relationId) ?? onceFor((of: string) => tools.applicationData(relationId, of));
      bags.set(relationId, ask);
      return ask(application);
    },
    setApplicationData: async (relationId, data) => {
      await tools.setApplicationData(relationId, data);
      bags.delete(relationId);
    },
  };
};

/** The leader sets both together in each hook, so its application shows what the unit shows. */
const statusOnce = (tools: HookTools): Pick<HookTools, 'unitStatus' | 'setStatus'> => {
  const shown = new Map<'unit' | 'application', Status>();
  const unitStatus = onceFor(() => tools.unitStatus());
  return {
    unitStatus: () => unitStatus('unit'),
    setStatus: async (status, of) => {
      const { name, message } = shown.get(of) ?? (await unitStatus('unit'));
      if (name === status.name && message === status.message) return;
      await tools.setStatus(status, of);
      shown.set(of, status);
    },
  };
};

const onceFor = <T>(ask: (word: string) => Promise<T>): ((word: string) => Promise<T>) => {
  const known = new Map<string, Promise<T>>();
  return (word) => {
    const answer = known.get(word) ?? ask(word);
    known.set(word, answer);
    return answer;
  };
};
