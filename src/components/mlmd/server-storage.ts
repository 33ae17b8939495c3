import { CharmError } from '../../errors.ts';
import type { Kubernetes } from '../../world.ts';
import { execText, type MlmdPod } from './pod.ts';

/**
 * The server's configuration file in mlmd-operator's sidecar charms
 * (src/components/pebble_components.py).
 */
const configuration = '/config/config.proto';
/**
 * Prints the command lines in the container, with NULs between their words, and then the
 * configuration.
 */
const look = 'for p in /proc/[0-9]*/cmdline; do cat "$p" 2>/dev/null; echo; done; echo; cat "$1"';

/**
 * Rejects with `mlmd-missing` when ML Metadata's server does not keep its data in SQLite. A file at
 * the database's path is then an old one. The charm of CKF 1.8 starts the server with
 * `--mysql_config_host` when it is related to MySQL (mlmd-operator, track/1.14). When the image has
 * no shell and nothing can be seen, the server is taken to use SQLite, as CKF deploys it.
 */
export const assertServerUsesSqlite = async (
  kubernetes: Kubernetes,
  { workload }: MlmdPod,
  signal: AbortSignal,
): Promise<void> => {
  const command = ['sh', '-c', look, 'sh', configuration];
  const { stdout } = await execText(kubernetes, workload.target, command, { signal });
  const source = otherStorage(stdout);
  if (source === undefined) return;
  throw new CharmError(
    'mlmd-missing',
    `ML Metadata's server in ${workload.target.pod} does not use SQLite: ${source}. ${workload.file} is left from earlier, so it is not touched. ` +
      'Take mlmd out of the option components, and back that database up by its own means.',
  );
};

/**
 * The name of the option that shows another storage. Never its value, which may hold a password.
 */
const otherStorage = (text: string): string | undefined => {
  const server = text
    .split('\n')
    .map((line) => line.split('\0'))
    .find(([program = '']) => /(?:^|\/)metadata_store_server$/.test(program));
  const option = server?.find((word) => /^--?(?:mysql|postgresql)_config_/.test(word));
  if (option !== undefined) return `it was started with ${option.split(/[=\s]/)[0] ?? option}`;
  const [kind] = /\b(?:mysql|postgresql)(?=\s*:?\s*\{)/.exec(text) ?? [];
  return kind === undefined ? undefined : `${configuration} names ${kind}`;
};
