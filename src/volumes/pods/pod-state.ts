import { fieldsOf, textOf } from '../../ports/fields.ts';
import type { Cluster, ClusterObject } from '../../world.ts';
import { fieldsIn } from '../claims/claims.ts';

export type PodState =
  | { readonly kind: 'waiting'; readonly why: string; readonly imageProblem: boolean }
  | { readonly kind: 'running'; readonly address: string; readonly ready: boolean }
  | { readonly kind: 'ended'; readonly exitCode: number; readonly message: string };

/** How one container of a pod stands. */
export const podState = ({ fields }: ClusterObject, container: string): PodState => {
  const status = fieldsOf(fields['status']);
  const found = fieldsIn(status['containerStatuses']).find(
    (one) => textOf(one['name']) === container,
  );
  const state = fieldsOf(found?.['state']);
  const terminated = state['terminated'];
  if (terminated !== undefined) {
    const { exitCode, message, reason } = fieldsOf(terminated);
    return {
      kind: 'ended',
      exitCode: typeof exitCode === 'number' ? exitCode : -1,
      message: textOf(message) || textOf(reason),
    };
  }
  if (state['running'] !== undefined)
    return { kind: 'running', address: textOf(status['podIP']), ready: found?.['ready'] === true };
  const waiting = fieldsOf(state['waiting']);
  const reason = textOf(waiting['reason']);
  const unscheduled = fieldsIn(status['conditions']).find(
    ({ type, status: value }) => type === 'PodScheduled' && value === 'False',
  );
  return {
    kind: 'waiting',
    why:
      textOf(waiting['message']) || reason || textOf(unscheduled?.['message']) || 'not started yet',
    imageProblem: /^(ErrImage|ImagePull|InvalidImage)/.test(reason),
  };
};

/** The warnings that Kubernetes has written about an object, the newest last. */
export const warningsAbout = async (
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<readonly string[]> =>
  (await cluster.list('events', { namespace }))
    .filter(({ fields }) => {
      const about = textOf(fieldsOf(fields['involvedObject'])['name']);
      return fields['type'] === 'Warning' && (about === name || about.startsWith(`${name}-`));
    })
    .map(({ fields }) => `${textOf(fields['reason'])}: ${textOf(fields['message'])}`);
