import { isDeepStrictEqual } from 'node:util';
import { orProblem } from '../errors.ts';
import { parseAttempt, parseLastBackup } from '../ports/last-backup.ts';
import type { Attempt, Databag, HookTools, Journal, LastBackup } from '../world.ts';

/**
 * What is known of backups. Each unit knows its own from its journal. What all units know is in the
 * application's databag of the peer relation, so that the status is the same after another unit
 * became leader.
 */
export interface KnownBackups {
  readonly lastBackup: LastBackup | undefined;
  readonly lastAttempt: Attempt | undefined;
}

const endpoint = 'ckf-backup-peers';

/**
 * The peer relation. Undefined for a moment after a model was upgraded from a revision without it.
 */
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
 * Writes it for the other units. Writes only what differs, so that they get no needless hook. Only
 * the leader may call this.
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
 * Puts both together. What all units know wins, because another unit may have made or verified a
 * backup since. Only when this unit began a backup that the others have not heard of, its own
 * knowledge wins.
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

/** Takes over into the journal what other units did while they led. */
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
