import type { BackupId } from '../repository/layout.ts';
import type { Config } from '../config/config.ts';

/** What the policy has to know of a set. */
interface RetainedSet {
  readonly id: BackupId;
  readonly consistent: boolean;
}

interface Forgotten {
  /** Newest first, each with every reason that keeps it. */
  readonly keep: readonly { readonly id: BackupId; readonly reasons: readonly string[] }[];
  /** Newest first. */
  readonly remove: readonly BackupId[];
}

/**
 * Which sets a policy keeps, counted as restic's `forget` counts (restic doc/060_forget.rst; here all times are UTC): each
 * option keeps the newest set of each of the last so many days, weeks (ISO: Monday to Sunday) or months that have one, and `last`
 * keeps the newest so many. A set that satisfies several options counts for each of them. An option whose count is not used
 * up keeps the oldest set too, so that the history does not end early. With all options at 0 everything is kept.
 *
 * Whatever the policy says, the newest set is kept, and the newest consistent one.
 */
export const forget = (sets: readonly RetainedSet[], policy: Config['keep']): Forgotten => {
  const newestFirst = sets.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const left: Rule[] = rules.map((rule) => ({ ...rule, count: policy[rule.option], last: '' }));
  const keepsAll = left.every(({ count }) => count === 0);
  const newestConsistent = newestFirst.find(({ consistent }) => consistent);

  const decided = newestFirst.map((set, index) => {
    const isOldest = index === newestFirst.length - 1;
    const reasons = keepsAll
      ? ['no policy']
      : left.flatMap((rule) => count(rule, set.id, isOldest));
    if (reasons.length === 0 && index === 0) reasons.push('newest');
    if (reasons.length === 0 && set === newestConsistent) reasons.push('newest consistent');
    return { id: set.id, reasons };
  });
  return {
    keep: decided.filter(({ reasons }) => reasons.length > 0),
    remove: decided.filter(({ reasons }) => reasons.length === 0).map(({ id }) => id),
  };
};

interface Rule {
  readonly reason: string;
  readonly periodOf: (id: BackupId) => string;
  /** How many periods may still be kept. */
  count: number;
  /** The period that was kept last. */
  last: string;
}

/** Uses up one of a rule's counts, when the set is the first one met of its period, or the oldest of all. */
const count = (rule: Rule, id: BackupId, isOldest: boolean): string[] => {
  if (rule.count === 0) return [];
  const period = rule.periodOf(id);
  const isFirst = period !== rule.last;
  if (!isFirst && !isOldest) return [];
  rule.count -= 1;
  rule.last = period;
  return [isFirst ? rule.reason : `oldest ${rule.reason}`];
};

/** `2026-W47`: the year and week of ISO 8601, by the week's Thursday. */
const isoWeek = (id: BackupId): string => {
  const thursday = new Date(id);
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
  const year = thursday.getUTCFullYear();
  const days =
    (Date.parse(thursday.toISOString().slice(0, 10)) - Date.UTC(year, 0, 1)) / 86_400_000;
  return `${year}-W${Math.floor(days / 7) + 1}`;
};

const rules = [
  { option: 'last', reason: 'last', periodOf: (id: BackupId) => id },
  { option: 'daily', reason: 'daily', periodOf: (id: BackupId) => id.slice(0, 10) },
  { option: 'weekly', reason: 'weekly', periodOf: isoWeek },
  { option: 'monthly', reason: 'monthly', periodOf: (id: BackupId) => id.slice(0, 7) },
] as const;
