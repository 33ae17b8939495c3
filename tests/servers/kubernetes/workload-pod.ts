import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  openSync,
  closeSync,
  writeFileSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { constants } from 'node:os';
import { createConnection } from 'node:net';
import { findProgram, translate } from './pod.ts';
import type {
  ContainerSpec,
  EnvironmentVariable,
  SecurityContext,
  StoredObject,
} from './stored-object.ts';

/** What a container needs of its surroundings. */
export interface PodPlace {
  /** For what the pod writes outside of volumes; goes with it. */
  readonly directory: string;
  /** Of a network of its own: no other pod has it. */
  readonly ip: string;
  /** The directory of a claim of the pod's namespace. */
  claim(name: string): string;
  /** The content of a Secret of the pod's namespace; undefined while there is none. */
  secret(name: string): Readonly<Record<string, string>> | undefined;
  /** The program of this machine that stands for one of an image. */
  program(name: string, image: string): string | undefined;
}

export interface ContainerEnd {
  readonly exitCode: number;
  readonly message: string;
}

/** A container that runs as a process of this machine. */
export interface RunningContainer {
  readonly name: string;
  readonly ended: Promise<ContainerEnd>;
  readonly log: () => string;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Whether its port can be reached; true when it has no probe. */
  ready(): Promise<boolean>;
}

/**
 * Starts the containers of a pod. Its volumes are directories, its own loopback and all its
 * addresses are the one IP of 127.0.0.0/8 that it was given, and paths below a mount are this
 * machine's. Undefined while a Secret is missing.
 */
export const startContainers = (
  { spec: { containers = [], volumes = [], securityContext = {} } = {} }: StoredObject,
  place: PodPlace,
): readonly RunningContainer[] | undefined => {
  const directories = new Map<string, string>();
  for (const { name, persistentVolumeClaim, secret } of volumes) {
    const own = join(place.directory, 'volumes', name);
    if (persistentVolumeClaim) directories.set(name, place.claim(persistentVolumeClaim.claimName));
    else {
      mkdirSync(own, { recursive: true });
      chmodSync(own, 0o777);
      directories.set(name, own);
    }
    if (!secret) continue;
    const content = place.secret(secret.secretName);
    if (content === undefined) return undefined;
    for (const { key, path } of secret.items ?? [])
      writeFileSync(join(own, path), content[key] ?? '');
  }
  const environments = containers.map(({ env = [] }) => environmentOf(env, place));
  const complete = environments.filter((environment) => environment !== undefined);
  if (complete.length < containers.length) return undefined;
  return containers.map((container, index) =>
    startContainer(
      { ...container, securityContext: { ...securityContext, ...container.securityContext } },
      complete[index] ?? {},
      directories,
      place,
    ),
  );
};

/** The port on which pods of ours listen. */
const podPort = 8080;

const environmentOf = (
  env: readonly EnvironmentVariable[],
  place: PodPlace,
): Readonly<Record<string, string>> | undefined => {
  const variables: Record<string, string> = {};
  for (const { name, value, valueFrom } of env) {
    const ref = valueFrom?.secretKeyRef;
    const found = ref ? place.secret(ref.name)?.[ref.key] : value;
    if (found === undefined) return undefined;
    variables[name] = found;
  }
  return variables;
};

const startContainer = (
  container: ContainerSpec,
  environment: Readonly<Record<string, string>>,
  directories: ReadonlyMap<string, string>,
  place: PodPlace,
): RunningContainer => {
  const { name, command = [], args = [], workingDir = '/', volumeMounts = [] } = container;
  const root = join(place.directory, name);
  mkdirSync(join(root, 'tmp'), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o777);
  const mounts = Object.fromEntries(
    volumeMounts.map((mount) => [mount.mountPath, directories.get(mount.name) ?? '']),
  );
  // Inside of a pod its port is on every address of it, and on its own loopback.
  const local = (text: string): string =>
    translate(
      text
        .replace(new RegExp(`^:${podPort}$`), `${place.ip}:${podPort}`)
        .replace(`127.0.0.1:${podPort}`, `${place.ip}:${podPort}`),
      { root, mounts },
    );
  const [word = '', ...words] = [...command, ...args];
  const logFile = join(root, 'log');
  const log = (): string => readFileSync(logFile, 'utf8');
  const output = openSync(logFile, 'w');
  const program = place.program(word, container.image);
  if (program === undefined) {
    writeFileSync(logFile, `exec: "${word}": executable file not found in $PATH`);
    closeSync(output);
    return {
      ...{ name, log },
      ended: Promise.resolve({ exitCode: 127, message: log() }),
      kill: () => undefined,
      ready: async () => false,
    };
  }
  const argv = [program, ...words.map(local)];
  const guard = findProgram('setpriv');
  const { securityContext = {} } = container;
  const whole =
    guard === undefined
      ? argv
      : [
          // It goes with us, even when we are killed.
          ...[guard, '--pdeathsig', 'KILL', ...capabilityOptions(securityContext)],
          ...(letsOthersIn(program, root) ? identityOptions(securityContext) : []),
          ...['--', ...argv],
        ];
  const child: ChildProcess = spawn(whole[0] ?? '', whole.slice(1), {
    cwd: workingDir === '/' ? root : translate(workingDir, { root, mounts }),
    env: {
      PATH: '/usr/bin:/bin',
      ...Object.fromEntries(Object.entries(environment).map(([key, text]) => [key, local(text)])),
    },
    stdio: ['ignore', output, output],
    detached: true,
  });
  closeSync(output);
  const { promise: ended, resolve } = Promise.withResolvers<ContainerEnd>();
  const end = (exitCode: number): void => {
    resolve({ exitCode, message: exitCode === 0 ? '' : log().slice(-2048) });
  };
  child.once('error', () => {
    end(128);
  });
  child.once('exit', (code, signal) => {
    end(code ?? 128 + (signal ? constants.signals[signal] : 0));
  });
  const port = container.readinessProbe?.tcpSocket.port;
  return {
    ...{ name, ended, log },
    kill: (signal) => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      process.kill(-child.pid, signal);
    },
    ready: async () => port === undefined || reaches(place.ip, port),
  };
};

/** What root may do in a container is what its capabilities let it. */
const capabilityOptions = ({ capabilities }: SecurityContext): readonly string[] => {
  if (process.getuid?.() !== 0 || capabilities?.drop?.includes('ALL') !== true) return [];
  const added = (capabilities.add ?? []).map((name) => `+${name.toLowerCase()}`);
  return [`--bounding-set=${['-all', ...added].join(',')}`, '--inh-caps=-all'];
};

const identityOptions = ({
  runAsUser = 0,
  runAsGroup = 0,
  supplementalGroups: groups = [],
}: SecurityContext): readonly string[] =>
  runAsUser === 0
    ? []
    : [
        ...[`--reuid=${runAsUser}`, `--regid=${runAsGroup}`],
        groups.length > 0 ? `--groups=${groups.join(',')}` : '--clear-groups',
      ];

/**
 * Whether containers run this program there as the users that they name: when we are root, and no
 * folder above is closed. Otherwise all run as we do, and who is not root in a container has no
 * capability.
 */
export const letsOthersIn = (program: string, directory: string): boolean => {
  const guard = findProgram('setpriv');
  if (guard === undefined || process.getuid?.() !== 0) return false;
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const test = ['test', '-x', program, '-a', '-x', directory];
  return spawnSync(guard, [...nobody, '--', ...test]).status === 0;
};

const reaches = async (host: string, port: number): Promise<boolean> => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection({ host, port });
  socket.once('connect', () => {
    resolve(true);
  });
  socket.once('error', () => {
    resolve(false);
  });
  const answer = await promise;
  socket.destroy();
  return answer;
};

/** What a pod wrote outside of volumes goes with it. */
export const clearPod = (directory: string): void => {
  rmSync(directory, { recursive: true, force: true });
};
