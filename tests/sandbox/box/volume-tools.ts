import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../servers/kubernetes/pod.ts';

/** `scripts/volume-tools` puts them there. */
const folder = join(import.meta.dirname, '../../../.tools/bin');

const oldest: Readonly<Record<string, readonly number[]>> = {
  restic: [0, 18, 0],
  rclone: [1, 75, 0],
};

/** The restic or rclone of this machine that is new enough; undefined when there is none. */
export const volumeTool = (name: string): string | undefined => {
  if (!found.has(name)) found.set(name, search(name));
  return found.get(name);
};

const found = new Map<string, string | undefined>();

const search = (name: string): string | undefined => {
  const own = join(folder, name);
  const path = existsSync(own) ? own : findProgram(name);
  if (path === undefined) return undefined;
  const [, ...version] = /v?(\d+)\.(\d+)\.(\d+)/.exec(
    execFileSync(path, ['version'], { encoding: 'utf8' }),
  ) ?? [''];
  const wanted = oldest[name] ?? [];
  const difference = wanted
    .map((part, index) => Number(version[index] ?? 0) - part)
    .find((one) => one !== 0);
  return (difference ?? 0) >= 0 ? path : undefined;
};
