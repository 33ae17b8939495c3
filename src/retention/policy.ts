import type { Config } from '../config/config.ts';
import type { BackupId } from '../repository/layout.ts';

/** What the policy needs to know about a set. */
export interface RetainedSet {
  readonly id: BackupId;
  readonly consistent: boolean;
  /** Its parts: `heldParts` of its manifest. */
  readonly parts: readonly string[];
  /** The parts that are known to be unrestorable. */
  readonly damaged: readonly string[];
}

interface Forgotten {
  /** Newest first, each with every reason that keeps it. */
  readonly keep: readonly { readonly id: BackupId; readonly reasons: readonly string[] }[];
  /** Newest first. */
  readonly remove: readonly BackupId[];
}

/**
 * Which sets a policy keeps, counted like restic's `forget` (restic doc/060_forget.rst; here all
 * times are UTC): each option keeps the newest set of each of the last so many days, weeks (ISO:
 * Monday to Sunday) or months that have one, and `last` keeps that many of the newest sets. A set
 * that satisfies several options counts for each of them. An option whose count is not used up also
 * keeps the oldest set. With all options at 0 everything is kept.
 *
 * The options are counted separately for each database, ML Metadata and each bucket, as restic
 * counts for each group of paths: seven sets with only ML Metadata must not push out the last one
 * with the buckets. A set stays when any of its parts keeps it. Whatever the policy says, the
 * newest set that has a part stays, and the newest consistent one.
 */
export const forget = (sets: readonly RetainedSet[], policy: Config['keep']): Forgotten => {
  const newestFirst = sets.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const reasons = new Map(newestFirst.map(({ id }) => [id, new Set<string>()]));
  for (const group of groupsOf(newestFirst))
    for (const [id, reason] of reasonsIn(group, policy)) reasons.get(id)?.add(reason);
  const decided = newestFirst.map(({ id }) => ({ id, reasons: [...(reasons.get(id) ?? [])] }));
  return {
    keep: decided.filter((set) => set.reasons.length > 0),
    remove: decided.filter((set) => set.reasons.length === 0).map(({ id }) => id),
  };
};

/**
 * The parts for which a set is needed, because it is the newest set, or the newest consistent set,
 * in which they are intact.
 */
export const partsThatNeed = (
  sets: readonly RetainedSet[],
  id: BackupId,
): { readonly newest: readonly string[]; readonly consistent: readonly string[] } => {
  const newestFirst = sets.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const intact = groupsOf(newestFirst).map(({ part, members }) => ({
    part,
    ...newestOf(members, part),
  }));
  return {
    newest: intact.filter(({ newest }) => newest?.id === id).map(({ part }) => part),
    consistent: intact.filter(({ consistent }) => consistent?.id === id).map(({ part }) => part),
  };
};

/** The sets that have a part, newest first. */
interface Group {
  readonly part: string;
  readonly members: readonly RetainedSet[];
}

const groupsOf = (newestFirst: readonly RetainedSet[]): readonly Group[] => {
  const partsIn = ({ parts }: RetainedSet): readonly string[] =>
    parts.length > 0 ? parts : ['nothing'];
  return [...new Set(newestFirst.flatMap(partsIn))].map((part) => ({
    part,
    members: newestFirst.filter((set) => partsIn(set).includes(part)),
  }));
};

const newestOf = (
  members: readonly RetainedSet[],
  part: string,
): Readonly<Record<'newest' | 'consistent', RetainedSet | undefined>> => {
  const intact = members.filter(({ damaged }) => !damaged.includes(part));
  return { newest: intact[0], consistent: intact.find(({ consistent }) => consistent) };
};

function* reasonsIn(
  { part, members }: Group,
  policy: Config['keep'],
): Generator<readonly [id: BackupId, reason: string]> {
  const left: Rule[] = rules.map((rule) => ({ ...rule, count: policy[rule.option], last: '' }));
  const keepsAll = left.every(({ count }) => count === 0);
  const { newest, consistent } = newestOf(members, part);
  for (const [index, set] of members.entries()) {
    const { id } = set;
    const isOldest = index === members.length - 1;
    const counted = keepsAll ? ['no policy'] : left.flatMap((rule) => count(rule, id, isOldest));
    for (const reason of counted) yield [id, reason];
    if (counted.length > 0) continue;
    if (set === newest) yield [id, 'newest'];
    if (set === consistent) yield [id, 'newest consistent'];
  }
}

interface Rule {
  readonly reason: string;
  readonly periodOf: (id: BackupId) => string;
  /** How many periods may still be kept. */
  count: number;
  /** The period that was kept last. */
  last: string;
}

/**
 * Uses one of a rule's counts when this is the newest set of its period, or the oldest set of all.
 */
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
export const isoWeek = (id: BackupId): string => {
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
