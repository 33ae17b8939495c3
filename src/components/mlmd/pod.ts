import { Writable, type Readable } from 'node:stream';
import { CharmError } from '../../errors.ts';
import type { Clock, Container, ExecTarget, Kubernetes, Pod } from '../../world.ts';

/** What a snapshot of ML Metadata's database needs. */
export interface MlmdWorld {
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly note: (text: string) => Promise<void>;
  /** Seconds to wait for a moment in which nobody writes; 30 by default. */
  readonly patience?: number;
}

/** A container, and ML Metadata's volume in it. */
export interface MlmdPlace {
  readonly target: ExecTarget;
  readonly folder: string;
  readonly file: string;
}

export interface MlmdPod {
  readonly pod: Pod;
  readonly workload: MlmdPlace;
  /** Absent in CKF 1.8, whose charm runs in a pod of its own. */
  readonly charm: MlmdPlace | undefined;
}

const dataFolder = '/data';
const databaseName = 'mlmd.db';

/**
 * Finds where ML Metadata's database can be read. Its container is called `mlmd-grpc-server` from
 * CKF 1.9 on and `mlmd` before; Juju mounts every storage in the charm's container too, at another
 * path (juju/juju, caas/kubernetes/provider/application).
 */
export const findMlmdPod = async (
  kubernetes: Kubernetes,
  application: string,
): Promise<MlmdPod> => {
  const pod = await kubernetes.pod(`${application}-0`);
  if (!pod)
    throw new CharmError(
      'mlmd-missing',
      `There is no pod ${application}-0. Check with juju status ${application} that ML Metadata runs with one unit.`,
    );
  const container = (name: string): Container | undefined =>
    pod.containers.find((candidate) => candidate.name === name);
  const workload = container('mlmd-grpc-server') ?? container('mlmd');
  if (!workload)
    throw new CharmError(
      'mlmd-missing',
      `The pod ${pod.name} has no container mlmd-grpc-server or mlmd, only ` +
        `${pod.containers.map(({ name }) => name).join(', ')}. Check the option mlmd-application.`,
    );
  const volume = [...workload.mounts].find(([, path]) => path === dataFolder)?.[0];
  const charmFolder = volume === undefined ? undefined : container('charm')?.mounts.get(volume);
  const place = (name: string, folder: string): MlmdPlace => ({
    target: { pod: pod.name, container: name },
    folder,
    file: `${folder}/${databaseName}`,
  });
  return {
    pod,
    workload: place(workload.name, dataFolder),
    charm: charmFolder === undefined ? undefined : place('charm', charmFolder),
  };
};

export interface ExecText {
  readonly exitCode: number;
  /** The first MiB of it. */
  readonly stdout: string;
  readonly stderr: string;
}

const most = 2 ** 20;

/** Runs a command whose output is short. */
export const execText = async (
  kubernetes: Kubernetes,
  target: ExecTarget,
  command: readonly string[],
  options: { readonly stdin?: Readable; readonly signal?: AbortSignal } = {},
): Promise<ExecText> => {
  const chunks: Buffer[] = [];
  let length = 0;
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (length < most) chunks.push(chunk);
      length += chunk.length;
      done();
    },
  });
  const { exitCode, stderr } = await kubernetes.exec(target, command, { ...options, stdout });
  return { exitCode, stderr: stderr.trim(), stdout: Buffer.concat(chunks).toString('utf8') };
};
