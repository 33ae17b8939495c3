import { isDeepStrictEqual } from 'node:util';
import { orProblem } from '../errors.ts';
import { parseAttempt, parseLastBackup } from '../ports/last-backup.ts';
import type { Attempt, Databag, HookTools, Journal, LastBackup } from '../world.ts';

/**
 * What is known of backups: by one unit in its journal, and by all of them in the application's
 * databag of the relation between our units, so that the status is the same after leadership moved.
 */
export interface KnownBackups {
  readonly lastBackup: LastBackup | undefined;
  readonly lastAttempt: Attempt | undefined;
}

const endpoint = 'ckf-backup-peers';

/** The relation between our units; undefined in a model that was upgraded a moment ago. */
export const peerRelation = async (tools: HookTools): Promise<string | undefined> =>
  (await tools.relationIds(endpoint))[0];

export const ownBackups = async (journal: Journal): Promise<KnownBackups> => ({
  lastBackup: await journal.lastBackup(),
  lastAttempt: await journal.lastAttempt(),
});

/** What the leader wrote last. Every unit may read it. */
export const recallBackups = async (
  tools: HookTools,
  application: string,
): Promise<KnownBackups> => {
  const relationId = await peerRelation(tools);
  const data = relationId === undefined ? {} : await tools.applicationData(relationId, application);
  return {
    lastBackup: parseLastBackup(fieldsOf(data['last-backup'])),
    lastAttempt: parseAttempt(fieldsOf(data['last-attempt'])),
  };
};

/**
 * Lets the other units know. Writes only what differs from what they know, so that nobody gets a
 * hook for nothing. Leader only.
 */
export const shareBackups = async (
  tools: HookTools,
  { known, shared }: { readonly known: KnownBackups; readonly shared: KnownBackups },
): Promise<void> => {
  const relationId = await peerRelation(tools);
  if (relationId === undefined) return;
  const [data, before] = [databagOf(known), databagOf(shared)];
  const changed = Object.entries(data).filter(([key, text]) => before[key] !== text);
  if (changed.length > 0) await tools.setApplicationData(relationId, Object.fromEntries(changed));
};

/**
 * What is known in all. What all units know counts, because another one may have made or verified a
 * backup since; unless this one has begun a backup that the others have not heard of.
 */
export const allKnown = (own: KnownBackups, shared: KnownBackups): KnownBackups => {
  const isNews = (own.lastAttempt?.at ?? '') > (shared.lastAttempt?.at ?? '');
  const isNewer = (own.lastBackup?.id ?? '') > (shared.lastBackup?.id ?? '');
  const counts = isNewer && (isNews || shared.lastBackup === undefined);
  return {
    lastBackup: counts ? own.lastBackup : shared.lastBackup,
    lastAttempt: isNews ? own.lastAttempt : shared.lastAttempt,
  };
};

const databagOf = ({ lastBackup, lastAttempt }: KnownBackups): Databag => ({
  'last-backup': lastBackup === undefined ? '' : JSON.stringify(lastBackup),
  'last-attempt': lastAttempt === undefined ? '' : JSON.stringify(lastAttempt),
});

const fieldsOf = (text: string | undefined): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
};

/** Takes over into the journal what another unit, which may have led since, did meanwhile. */
export const catchUp = async ({
  journal,
  tools,
  application,
}: {
  readonly journal: Journal;
  readonly tools: HookTools;
  readonly application: string;
}): Promise<void> => {
  await orProblem(async () => {
    const own = await ownBackups(journal);
    const { lastBackup, lastAttempt } = allKnown(own, await recallBackups(tools, application));
    if (!isDeepStrictEqual(lastBackup, own.lastBackup)) await journal.setLastBackup(lastBackup);
    if (!isDeepStrictEqual(lastAttempt, own.lastAttempt)) await journal.setLastAttempt(lastAttempt);
  });
};
