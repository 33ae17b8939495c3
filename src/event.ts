/** What Juju dispatched: a hook, or an action with its task. */
export type CharmEvent =
  | { readonly kind: 'hook'; readonly name: string; readonly relationId: string | undefined }
  | { readonly kind: 'action'; readonly name: string; readonly task: string };

/**
 * Reads the event from Juju's environment. `JUJU_DISPATCH_PATH` is `hooks/<name>` or
 * `actions/<name>` (Juju 3.6, internal/worker/uniter/runner). Undefined when we were not started by
 * Juju, or by `juju exec`.
 */
export const readEvent = (
  environment: Readonly<Record<string, string | undefined>>,
): CharmEvent | undefined => {
  const [kind, name] = environment['JUJU_DISPATCH_PATH']?.split('/') ?? [];
  if (name === undefined || name === '') return undefined;
  if (kind === 'actions')
    return { kind: 'action', name, task: environment['JUJU_ACTION_UUID'] ?? '' };
  if (kind === 'hooks')
    return { kind: 'hook', name, relationId: environment['JUJU_RELATION_ID'] || undefined };
  return undefined;
};
