import type { HookTools, World } from '../world.ts';
import { openNotifier, openRunLog } from './listeners.ts';
import { openCluster, openJuju, openKubernetes, openVolumes } from './model.ts';
import { openSource, openTarget } from './stores.ts';
import { type WorldOptions, wiringOf } from './wiring.ts';

/**
 * The outside, opened piece by piece when it is asked for. Each way to open rejects with a
 * CharmError that names the option, relation or command that mends it.
 */
export const openWorld = (options: WorldOptions): World => {
  const wiring = wiringOf(options);
  const { tools, config, application, unit, model } = wiring;
  const { clock, deadline, host, journal, progress, scratch, signal, task } = options;
  return {
    ...{ application, unit, model, clock, host, journal, progress, scratch, signal, task },
    deadline,
    openTarget: (purpose) => openTarget(wiring, purpose),
    openSource: (bucket) => openSource(wiring, bucket),
    startCopyThread: async (buckets) =>
      (await import('./start-copy-thread.ts')).startCopyThread(wiring, buckets),
    openSigningKeys: async () =>
      (await import('../config/signing-keys.ts')).readSigningKeys(tools, config, application),
    openNotifier: (about) => openNotifier(wiring, about),
    openRunLog: () => openRunLog(wiring),
    openJuju: ({ hurry } = {}) => openJuju(wiring, hurry),
    openKubernetes: ({ hurry } = {}) => openKubernetes(wiring, hurry),
    openVolumes: (purpose) => openVolumes(wiring, purpose),
    openCluster: () => openCluster(wiring),
    ...databasePaths(tools, application),
  };
};

const databasePaths = (
  tools: HookTools,
  application: string,
): Pick<World, 'relatedDatabase' | 'handedPath' | 'handPath'> => ({
  relatedDatabase: async (endpoint) => {
    const [relationId] = await tools.relationIds(endpoint);
    return relationId === undefined ? undefined : tools.remoteApplication(relationId);
  },
  handedPath: async (endpoint) => {
    const [relationId] = await tools.relationIds(endpoint);
    if (relationId === undefined) return undefined;
    return (await tools.applicationData(relationId, application))['path'];
  },
  handPath: async (endpoint, path) => {
    const [relationId] = await tools.relationIds(endpoint);
    if (relationId !== undefined) await tools.setApplicationData(relationId, { path });
  },
});
