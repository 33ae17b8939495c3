import { type FaultsByClaim, refusalOf } from './pod-hindrances.ts';
import type { StoredObject } from './stored-object.ts';
import type { WorkloadStore } from './workload-store.ts';

/** What the Job controller makes and deletes pods through. */
export interface PodApi {
  create(namespace: string, pod: object): void;
  remove(pod: StoredObject): void;
}

/**
 * The controller of Jobs: makes their pods, counts failures, keeps to the podFailurePolicy and the
 * deadline.
 */
export class JobController implements Disposable {
  readonly #store: WorkloadStore;
  readonly #faults: FaultsByClaim;
  readonly #pods: PodApi;
  readonly #deadlines = new Map<string, NodeJS.Timeout>();
  /** Milliseconds that a second of the cluster takes. */
  second = 1000;
  #count = 0;

  constructor(store: WorkloadStore, faults: FaultsByClaim, pods: PodApi) {
    this.#store = store;
    this.#faults = faults;
    this.#pods = pods;
  }

  /** Nothing happens while the Job is suspended, or when it was started before. */
  start(job: StoredObject): void {
    const { namespace = '', name } = job.metadata;
    if (job.spec?.suspend === true || job.status?.started === true) return;
    this.#store.patch('jobs', namespace, name, { status: { started: true } });
    const { activeDeadlineSeconds } = job.spec ?? {};
    if (typeof activeDeadlineSeconds === 'number')
      this.#deadlines.set(
        `${namespace}/${name}`,
        setTimeout(() => {
          this.#passDeadline(job);
        }, activeDeadlineSeconds * this.second).unref(),
      );
    this.#makePod(job);
  }

  /** To be told when all containers of a pod have ended. */
  podEnded(pod: StoredObject, codes: readonly number[]): void {
    const { namespace = '' } = pod.metadata;
    const owner = pod.metadata.ownerReferences?.[0];
    const job = this.#store
      .all('jobs', namespace)
      .find(({ metadata }) => metadata.uid === owner?.uid);
    if (job === undefined || job.status?.conditions !== undefined) return;
    if (codes.every((code) => code === 0)) {
      this.#end(job, 'Complete', 'CompletionsReached', '');
      return;
    }
    const rules = job.spec?.podFailurePolicy?.rules ?? [];
    const { conditions = [] } =
      this.#store.find('pods', namespace, pod.metadata.name)?.status ?? {};
    const isIgnored = rules.some(
      ({ action, onPodConditions = [] }) =>
        action === 'Ignore' &&
        onPodConditions.some(({ type }) => conditions.some((one) => one.type === type)),
    );
    if (isIgnored) {
      this.#makePod(job);
      return;
    }
    const final = rules.flatMap(({ action, onExitCodes }, index) => {
      const code = codes.find((one) => onExitCodes?.values.includes(one));
      return action === 'FailJob' && code !== undefined ? [{ index, code }] : [];
    })[0];
    const failures = (job.status?.failed ?? 0) + 1;
    this.#store.patch('jobs', namespace, job.metadata.name, { status: { failed: failures } });
    if (final !== undefined)
      this.#end(
        job,
        'Failed',
        'PodFailurePolicy',
        `Container restic for pod ${namespace}/${pod.metadata.name} failed with exit code ${final.code} matching FailJob rule at index ${final.index}`,
      );
    else if (failures > (job.spec?.backoffLimit ?? 6))
      this.#end(
        job,
        'Failed',
        'BackoffLimitExceeded',
        'Job has reached the specified backoff limit',
      );
    else this.#makePod(job);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#deadlines.values()) clearTimeout(timer);
  }

  #passDeadline(job: StoredObject): void {
    const { namespace = '', name } = job.metadata;
    if (this.#store.find('jobs', namespace, name)?.metadata.uid !== job.metadata.uid) return;
    for (const pod of this.#store.list('pods', namespace, `job-name=${name}`))
      this.#pods.remove(pod);
    this.#end(job, 'Failed', 'DeadlineExceeded', 'Job was active longer than specified deadline');
  }

  #makePod(job: StoredObject): void {
    const { namespace = '', name, uid } = job.metadata;
    const { template } = job.spec ?? {};
    if (template === undefined) return;
    const refusal = refusalOf(this.#store, this.#faults, namespace, template.spec);
    if (refusal !== undefined) {
      this.#store.warn(job, 'FailedCreate', `Error creating: ${refusal}`);
      return;
    }
    this.#pods.create(namespace, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        namespace,
        name: `${name}-${(this.#count += 1).toString(36).padStart(5, '0')}`,
        labels: { ...template.metadata?.labels, 'job-name': name },
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid }],
      },
      spec: template.spec,
    });
  }

  #end(job: StoredObject, type: 'Complete' | 'Failed', reason: string, message: string): void {
    const { namespace = '', name } = job.metadata;
    this.#store.patch('jobs', namespace, name, {
      status: { conditions: [{ type, status: 'True', reason, message }] },
    });
  }
}
