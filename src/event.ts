/** What Juju dispatched: a hook, or an action with its task. */
export type CharmEvent =
  | {
      readonly kind: 'hook';
      readonly name: string;
      readonly relationId: string | undefined;
      /** The revision of a secret that the hook is about. */
      readonly secret?: { readonly id: string; readonly revision: number };
    }
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
  if (kind !== 'hooks') return undefined;
  const secret = readSecret(environment['JUJU_SECRET_ID'], environment['JUJU_SECRET_REVISION']);
  const relationId = environment['JUJU_RELATION_ID'] || undefined;
  return { kind: 'hook', name, relationId, ...(secret && { secret }) };
};

const readSecret = (
  id: string | undefined,
  revision: string | undefined,
): { readonly id: string; readonly revision: number } | undefined =>
  id && /^[1-9]\d{0,8}$/.test(revision ?? '') ? { id, revision: Number(revision) } : undefined;
