import type { Environment } from '../adapters/hook-tools/run-tool.ts';
import type { Redaction } from '../adapters/redaction.ts';
import type { Config } from '../config/config.ts';
import { proxyFor } from '../config/proxy.ts';
import type { Clock, HookTools, Journal, Progress, World } from '../world.ts';

/*
 * This folder puts the world of an action or hook together: which adapter stands behind which port,
 * and which options and relations it gets. Each SDK is loaded only when it is asked for.
 */

export interface WorldOptions {
  /** Juju's variables. */
  readonly environment: Environment;
  readonly config: Config;
  readonly tools: HookTools;
  readonly journal: Journal;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly redaction: Redaction;
  readonly signal: AbortSignal;
  readonly deadline?: AbortSignal | undefined;
  /** Where Kubernetes mounts the pod's token. */
  readonly serviceAccount: string;
  /** Which boot of which machine this is. */
  readonly host: string;
  /** A directory on the container's own disk. */
  readonly scratch: string;
  /** Of the action that runs; undefined in a hook. */
  readonly task: string | undefined;
}

/** What each part of the world is opened with. */
export interface Wiring extends WorldOptions {
  readonly unit: string;
  readonly application: string;
  readonly model: World['model'];
  /** The model's proxy on the way to an address, if there is one. Its password is hidden. */
  readonly proxyTo: (address: string) => URL | undefined;
}

export const wiringOf = (options: WorldOptions): Wiring => {
  const { environment, redaction } = options;
  const unit = environment['JUJU_UNIT_NAME'] ?? '';
  return {
    ...options,
    unit,
    application: unit.replace(/\/\d+$/, ''),
    model: {
      name: environment['JUJU_MODEL_NAME'] ?? '',
      uuid: environment['JUJU_MODEL_UUID'] ?? '',
    },
    proxyTo: (address) => {
      const proxy = proxyFor(environment, new URL(address));
      if (proxy) redaction.hide(decodeURIComponent(proxy.password));
      return proxy;
    },
  };
};
