import { CharmError } from '../../errors.ts';
import { fieldsOf, textOf } from '../../ports/fields.ts';
import { waitUntil } from '../../wait-until.ts';
import type { ClusterObject } from '../../world.ts';
import { fieldsIn } from '../claims/claims.ts';
import type { VolumeOperation } from '../records/operation.ts';
import { podState, warningsAbout } from '../pods/pod-state.ts';
import { notStarted } from '../restic/repository-command.ts';
import { complaintsOf, exitText, firstLine, killed } from '../restic/restic.ts';
import { type JobWish, userJob } from '../pods/user-job.ts';

/** How restic ended beside the volume. It says nothing yet of what lies in the repository. */
export interface JobOutcome {
  readonly exitCode: number;
  /** What restic complained of; from a user's namespace, so only ever shown. */
  readonly complaints: readonly string[];
}

/** restic makes no snapshot of a volume without files. */
export const isEmptyVolume = ({ complaints }: JobOutcome): boolean =>
  complaints.some((complaint) => complaint.includes('snapshot is empty'));

const noPodSeconds = 60;
const startSeconds = 300;

/**
 * Runs restic in the namespace of a volume, waits for its end, and takes the Job away with
 * everything of it. Rejects with `volume-not-started` when it cannot start, with `volume-missing`
 * when its claim is gone by then, and with `volume-command-failed` when it was deleted or took too
 * long.
 */
export const runUserJob = async (
  operation: VolumeOperation,
  wish: JobWish,
): Promise<JobOutcome> => {
  const { access, world } = operation;
  const { cluster } = access;
  const { job, secret } = userJob(wish);
  const { namespace, name } = job.metadata;
  const { uid } = await cluster.create('jobs', job);
  try {
    await cluster.create('secrets', secret(uid));
    await cluster.patch('jobs', namespace, name, { spec: { suspend: false } });
    /** The pod of the Job, and since when. One that is evicted has a successor, hours later. */
    let seen = { uid: '', since: world.clock.now().getTime() };
    return await waitUntil(
      { clock: world.clock, seconds: wish.config.deadline / 1000 + 600, signal: world.signal },
      async () => {
        const found = await cluster.read('jobs', namespace, name);
        if (found === undefined) throw deleted(wish);
        const pods = oldestFirst(
          await cluster.list('pods', { namespace, labels: `job-name=${name}` }),
        );
        const ended = await outcomeOf(found, pods);
        if (ended === 'late') throw late(wish);
        if (ended !== undefined) return ended;
        const pod = pods.at(-1);
        const now = world.clock.now().getTime();
        if (seen.uid !== (pod?.uid ?? '')) seen = { uid: pod?.uid ?? '', since: now };
        await assertStarting(operation, { namespace, name }, pod, (now - seen.since) / 1000);
        await assertClaim(operation, wish, pod);
        return undefined;
      },
      () => {
        throw late(wish);
      },
    );
  } finally {
    await cluster.remove('jobs', namespace, name);
  }
};

/** Kubernetes lists them by their names, which are made up. */
const oldestFirst = (pods: readonly ClusterObject[]): readonly ClusterObject[] => {
  const created = ({ fields }: ClusterObject): string =>
    textOf(fieldsOf(fields['metadata'])['creationTimestamp']);
  return pods.toSorted((one, other) => Date.parse(created(one)) - Date.parse(created(other)));
};

/** Undefined while it runs. */
const outcomeOf = async (
  job: ClusterObject,
  pods: readonly ClusterObject[],
): Promise<JobOutcome | 'late' | undefined> => {
  const condition = fieldsIn(fieldsOf(job.fields['status'])['conditions']).find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  if (condition === undefined) return undefined;
  if (textOf(condition['type']) === 'Complete') return { exitCode: 0, complaints: [] };
  if (textOf(condition['reason']) === 'DeadlineExceeded') return 'late';
  const states = pods.map((pod) => podState(pod, 'restic'));
  const last = states.findLast((state) => state.kind === 'ended');
  if (last === undefined) return { exitCode: -1, complaints: [textOf(condition['message'])] };
  const complaints = complaintsOf(last.message);
  return {
    exitCode: last.exitCode,
    complaints: complaints.length > 0 ? complaints : [firstLine(last.message)],
  };
};

const assertStarting = async (
  operation: VolumeOperation,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  pod: ClusterObject | undefined,
  seconds: number,
): Promise<void> => {
  if (pod === undefined) {
    const warnings = await warningsAbout(operation.access.cluster, namespace, name);
    const refused = warnings.some((warning) => warning.startsWith('FailedCreate'));
    if (refused || seconds > noPodSeconds)
      throw await notStarted(operation, namespace, name, 'no pod was made');
    return;
  }
  const state = podState(pod, 'restic');
  if (state.kind === 'waiting' && (state.imageProblem || seconds > startSeconds))
    throw await notStarted(operation, namespace, pod.name, state.why);
};

/** A pod whose claim is gone waits for ever. One that has started keeps its volume to the end. */
const assertClaim = async (
  { access }: VolumeOperation,
  { claim: { namespace, name } }: JobWish,
  pod: ClusterObject | undefined,
): Promise<void> => {
  if (pod === undefined || podState(pod, 'restic').kind !== 'waiting') return;
  if (await access.cluster.read('persistentvolumeclaims', namespace, name)) return;
  throw new CharmError(
    'volume-missing',
    `${namespace}/${name}: the claim was deleted before its backup or restore could begin. Earlier backups of it are kept.`,
  );
};

const deleted = ({ claim }: JobWish): CharmError =>
  new CharmError(
    'volume-command-failed',
    `${claim.namespace}/${claim.name}: the Job was deleted by somebody in the namespace. Run the action again.`,
  );

const late = ({ claim, config }: JobWish): CharmError =>
  new CharmError(
    'volume-command-failed',
    `${claim.namespace}/${claim.name}: restic took longer than ${config.deadline / 60_000} minutes (volumes-deadline) and was stopped. What was uploaded is used the next time.`,
  );

/** Why restic failed beside a volume, for an operator. */
export const jobFailure = (
  { namespace, name }: JobWish['claim'],
  { exitCode, complaints }: JobOutcome,
): CharmError =>
  new CharmError(
    'volume-command-failed',
    exitCode === killed
      ? `${namespace}/${name}: ${exitText(killed)}. Raise that option and run the action again.`
      : `${namespace}/${name}: ${exitText(exitCode)}: ${complaints.at(-1) ?? 'it gave no reason'}`,
  );
