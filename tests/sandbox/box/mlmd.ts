import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { KubernetesServer } from '../../servers/kubernetes.ts';
import { mlmdPod } from './mlmd-pod.ts';
import type { Settings } from './settings.ts';

/** ML Metadata: its database, somebody who writes to it all the time, and its pod. */
export interface Mlmd extends AsyncDisposable {
  readonly file: string;
}

export const startMlmd = async (
  directory: string,
  settings: Settings,
  kubernetes: KubernetesServer,
): Promise<Mlmd> => {
  const volume = join(directory, 'mlmd-data');
  const file = join(volume, 'mlmd.db');
  mkdirSync(volume, { recursive: true });
  if (!existsSync(file)) {
    using data = new DatabaseSync(file);
    data.exec(
      'CREATE TABLE MLMDEnv (schema_version INTEGER); INSERT INTO MLMDEnv VALUES (10); CREATE TABLE Artifact (id INTEGER PRIMARY KEY, name TEXT)',
    );
  }
  kubernetes.setPod('mlmd-0', mlmdPod(join(directory, 'mlmd-0'), volume));
  return {
    file,
    [Symbol.asyncDispose]: async () => {
      await Promise.resolve(settings);
    },
  };
};
