import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A container that is a directory of this machine. */
export interface ContainerDefinition {
  /**
   * Stands for the container's own disk: `<root>/tmp` for its /tmp, `<root>/bin` for its programs.
   */
  readonly root: string;
  /**
   * Path in the container -> directory of this machine. What shares the directory shares the
   * volume.
   */
  readonly mounts: Readonly<Record<string, string>>;
  /**
   * The programs that the image has, taken from this machine: `['sh', 'cat']`. One that this
   * machine lacks is left out.
   */
  readonly programs: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The most that a process may write into one file, in KiB, as `ulimit -f` sets it; stands for a
   * full disk.
   */
  readonly fileSizeLimit?: number;
}

export interface PodDefinition {
  readonly labels?: Readonly<Record<string, string>>;
  readonly phase?: string;
  readonly containers: Readonly<Record<string, ContainerDefinition>>;
}

/** Lays out the directories of a container and links its programs. */
export const prepareContainer = ({ root, programs }: ContainerDefinition): void => {
  const bin = join(root, 'bin');
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin, { recursive: true });
  mkdirSync(join(root, 'tmp'), { recursive: true });
  for (const program of new Set(programs)) {
    const path = findProgram(program);
    if (path !== undefined) symlinkSync(path, join(bin, program));
  }
};

/** What a container wrote outside its volumes goes with it. */
export const emptyDisk = (container: ContainerDefinition): void => {
  rmSync(join(container.root, 'tmp'), { recursive: true, force: true });
  prepareContainer(container);
};

/**
 * Where a program of this machine is; a version manager's shim for python3 would need the
 * environment that we do not pass on.
 */
export const findProgram = (name: string): string | undefined => {
  if (!found.has(name)) found.set(name, search(name));
  return found.get(name);
};

const found = new Map<string, string | undefined>();

const search = (name: string): string | undefined => {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return name === 'python3'
        ? execFileSync(path, ['-c', 'import sys; print(sys.executable)']).toString().trim()
        : path;
    } catch {
      continue;
    }
  }
  return undefined;
};

/**
 * A whole argument, or `file:` URI, that is an absolute path below a mount or /tmp, as a path of
 * this machine.
 */
export const translate = (
  argument: string,
  { root, mounts }: Pick<ContainerDefinition, 'root' | 'mounts'>,
): string => {
  if (argument.startsWith('file:')) return `file:${translate(argument.slice(5), { root, mounts })}`;
  const places = Object.entries({ '/tmp': join(root, 'tmp'), ...mounts }).sort(
    ([one], [other]) => other.length - one.length,
  );
  for (const [path, directory] of places)
    if (argument === path || argument.startsWith(`${path}/`))
      return directory + argument.slice(path.length);
  return argument;
};

/** The pod as the API shows it. */
export const toManifest = (
  namespace: string,
  name: string,
  { labels = {}, phase = 'Running', containers }: PodDefinition,
  restarts: (container: string) => number,
): object => {
  const directories = [
    ...new Set(Object.values(containers).flatMap(({ mounts }) => Object.values(mounts))),
  ];
  const names = Object.keys(containers);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid: `uid-of-${name}`, labels },
    spec: {
      volumes: directories.map((_directory, index) => ({
        name: `volume-${index}`,
        persistentVolumeClaim: { claimName: `volume-${index}-${name}` },
      })),
      containers: names.map((container) => ({
        name: container,
        image: 'example',
        volumeMounts: Object.entries(containers[container]!.mounts).map(
          ([mountPath, directory]) => ({
            name: `volume-${directories.indexOf(directory)}`,
            mountPath,
          }),
        ),
      })),
    },
    status: {
      phase,
      containerStatuses: names.map((container) => ({
        name: container,
        ready: phase === 'Running',
        restartCount: restarts(container),
        image: 'example',
        imageID: 'example',
      })),
    },
  };
};
