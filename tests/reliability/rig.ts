import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Box, type BoxOptions, startBox } from '../sandbox/box.ts';

/** A box that can be killed again and again, with one good backup in it from the start. */
export interface Rig extends AsyncDisposable {
  readonly box: Box;
  /** The directory of the storage that outlives the pod. */
  readonly journal: string;
  /** Called with each line of the running action's log. */
  onLog: (line: string) => void;
  /** The pod is made new: a fresh disk, the same storage. */
  replacePod(): Promise<void>;
}

/** Where boxes are copied from, since to deploy one takes a while. */
export interface RigMaker extends Disposable {
  make(): Promise<Rig>;
}

const environment = {
  NODE_OPTIONS: `--import=${new URL('hurry.js', import.meta.url).href}`,
};

/** `prepare` is called before the first backup. `units` is how many there are from then on. */
export const rigMaker = async (
  kind: Omit<BoxOptions, 'directory' | 'units'> = {},
  { units = 1, prepare }: { units?: number; prepare?: (box: Box) => Promise<void> } = {},
): Promise<RigMaker> => {
  const directory = mkdtempSync(join(tmpdir(), 'reliability-'));
  const template = join(directory, 'template');
  const box = await startBox({ ...kind, directory: template, small: true, pace: 10, environment });
  await prepare?.(box);
  const { status, message } = await box.run('backup-control-plane');
  await box[Symbol.asyncDispose]();
  if (status !== 'completed') throw new Error(`the first backup failed: ${message}`);
  let copies = 0;
  return {
    make: async () => {
      const copy = join(directory, `copy-${++copies}`);
      cpSync(template, copy, { recursive: true });
      return startRig(copy, units);
    },
    [Symbol.dispose]: () => {
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

const startRig = async (directory: string, units: number): Promise<Rig> => {
  let onLog: (line: string) => void = () => undefined;
  const start = () =>
    startBox({
      directory,
      pace: 10,
      environment,
      units,
      onLog: (line) => {
        onLog(line);
      },
    });
  let box = await start();
  // The quiet cluster has a thousand workflows that ended, whose pages take time and change nothing
  // here.
  box.kubernetes.setResources('argoproj.io/v1alpha1/workflows', []);
  return {
    get box() {
      return box;
    },
    journal: join(directory, 'journal'),
    get onLog() {
      return onLog;
    },
    set onLog(listener) {
      onLog = listener;
    },
    replacePod: async () => {
      await box[Symbol.asyncDispose]();
      box = await start();
      box.kubernetes.setResources('argoproj.io/v1alpha1/workflows', []);
    },
    [Symbol.asyncDispose]: async () => {
      await box[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
