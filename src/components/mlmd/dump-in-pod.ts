import type { Writable } from 'node:stream';
import { CharmError, hasCode, reasonOf } from '../../errors.ts';
import { copyAndDump } from './dump-copy.ts';
import { findMlmdPod, type MlmdPlace, type MlmdPod } from './pod.ts';
import { pythonDump, sqlite3Dump } from './dump-scripts.ts';
import {
  defaultPatience,
  type MlmdWorld,
  failureOf,
  parseSummary,
  type MlmdSummary,
} from './dump-summary.ts';

/** What a way needs to read the database; undefined means that the container lacks the tools for it. */
type Read = (
  world: MlmdWorld,
  output: Writable,
  signal: AbortSignal,
) => Promise<MlmdSummary | undefined>;

export interface Way {
  readonly name: 'python3' | 'sqlite3' | 'copy';
  readonly read: Read;
}

/** A process in the pod whose connection was lost in a way that it cannot see ends itself after so many seconds. */
const lifetime = 6 * 60 * 60;

/** In the order in which they are tried. */
export const waysToRead = ({ pod, workload, charm }: MlmdPod): readonly Way[] => [
  ...(charm ? [{ name: 'python3' as const, read: byScript(pod, charm, python) }] : []),
  { name: 'sqlite3', read: byScript(pod, workload, sqlite3) },
  {
    name: 'copy',
    read: async (world, output, signal) =>
      inThePod(world, pod, async () => copyAndDump(world, workload, output, signal)),
  },
];

type Command = (place: MlmdPlace, patience: number) => readonly string[];

const python: Command = ({ file, folder }, patience) => {
  const words = [file, String(patience), String(lifetime), '/tmp', folder];
  return ['python3', '-I', '-c', pythonDump, ...words];
};

const sqlite3: Command = ({ file, folder }, patience) => {
  const words = [file, String(Math.round(patience * 1000)), '/tmp', folder];
  return ['sh', '-c', sqlite3Dump, 'sh', ...words];
};

const byScript =
  (pod: MlmdPod['pod'], place: MlmdPlace, command: Command): Read =>
  async (world, stdout, signal) =>
    inThePod(world, pod, async () => {
      const words = command(place, world.patience ?? defaultPatience);
      const { exitCode, stderr } = await world.kubernetes.exec(place.target, words, {
        stdout,
        signal,
      });
      if (exitCode === 126 || exitCode === 127) return undefined;
      const summary = exitCode === 0 ? parseSummary(stderr) : undefined;
      if (!summary) throw failureOf(stderr || `exit status ${exitCode}`, place.file);
      return summary;
    });

/** Says of a lost connection whether it was the pod. */
const inThePod = async <T>(
  { kubernetes }: MlmdWorld,
  before: MlmdPod['pod'],
  work: () => Promise<T>,
): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    if (!hasCode(cause, 'kubernetes-unreachable', 'kubernetes-refused')) throw cause;
    const application = before.name.replace(/-\d+$/, '');
    const after = await findMlmdPod(kubernetes, application).catch(() => undefined);
    const restarts = (pod: MlmdPod['pod'] | undefined): string =>
      JSON.stringify([pod?.uid, pod?.containers.map((container) => container.restarts)]);
    throw new CharmError(
      'mlmd-dump-failed',
      restarts(after?.pod) === restarts(before)
        ? `The dump of ML Metadata was cut off: ${reasonOf(cause)}`
        : `The pod ${before.name} restarted while ML Metadata was dumped. Nothing of the dump is kept. Look for the cause with ` +
            `juju debug-log --include ${application} and kubectl describe pod ${before.name}, then run the backup again.`,
      { cause },
    );
  }
};
