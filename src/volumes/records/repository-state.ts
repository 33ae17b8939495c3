import { fieldsOf, textOf, type Fields, isTimeText } from '../../ports/fields.ts';
import type { Layout } from '../../repository/layout.ts';
import { readText } from '../../repository/read-text.ts';
import type { ObjectStore } from '../../world.ts';
import { fieldsIn } from '../claims/claims.ts';

/** Each proves more than the one before. */
export const checkKinds = ['check', 'data', 'restore'] as const;

export type CheckKind = (typeof checkKinds)[number];

/**
 * That somebody looked whether a repository can be restored from: `check` that everything is there
 * that its snapshots need, `data` that a part of what is stored was read and decrypted, `restore`
 * that a backup of one volume was restored and compared.
 */
export interface RepositoryCheck {
  readonly kind: CheckKind;
  /** ISO 8601. */
  readonly at: string;
  readonly intact: boolean;
  readonly seconds: number;
  /** `1/28`: which part was read; `<claim> <session>`: what was restored. */
  readonly about?: string | undefined;
  /** The first things that were wrong, and the packs of data that are damaged. */
  readonly errors: readonly string[];
  readonly packs: readonly string[];
}

/** What is known of a repository beyond what lies in it. */
export interface RepositoryState {
  /** Since the last prune backups were removed whose space was not given back yet. */
  readonly unpruned: boolean;
  /** When its space was given back last, ISO 8601. */
  readonly pruned?: string | undefined;
  /** The newest check of each kind, and older damage that still stands. */
  readonly checks: readonly RepositoryCheck[];
}

/** A state that is not there, or cannot be read, says nothing. */
export const readState = async (
  store: ObjectStore,
  layout: Layout,
  repository: string,
): Promise<RepositoryState> => {
  const text = await readText(store, layout.volumeState(repository));
  const fields = text === undefined ? {} : parse(text);
  const pruned = textOf(fields['pruned']);
  return {
    unpruned: fields['unpruned'] === true,
    ...(isTimeText(pruned) && { pruned }),
    checks: fieldsIn(fields['checks'])
      .map(parseCheck)
      .filter((check) => check !== undefined),
  };
};

/** Changes what is known. To be called by who holds the lock of all sessions. */
export const changeState = async (
  store: ObjectStore,
  layout: Layout,
  repository: string,
  change: (state: RepositoryState) => RepositoryState,
): Promise<void> => {
  const state = change(await readState(store, layout, repository));
  await store.put(layout.volumeState(repository), JSON.stringify({ format: 1, ...state }), {
    metadata: { contentType: 'application/json' },
  });
};

/**
 * With one more check: the newest of each kind is kept, and all damage until a check that looked at
 * the same has found it intact.
 */
export const withCheck = (
  checks: readonly RepositoryCheck[],
  check: RepositoryCheck,
): readonly RepositoryCheck[] => [
  ...checks.filter((known) =>
    known.intact ? known.kind !== check.kind : !looksAtAllOf(check, known),
  ),
  check,
];

/** The newest damage that still stands. */
export const foundDamaged = ({ checks }: RepositoryState): RepositoryCheck | undefined =>
  newestCheck(
    checks.filter(
      (damage) =>
        !damage.intact &&
        !checks.some(
          (later) =>
            later.intact &&
            Date.parse(later.at) > Date.parse(damage.at) &&
            looksAtAllOf(later, damage),
        ),
    ),
  );

export const newestCheck = (checks: readonly RepositoryCheck[]): RepositoryCheck | undefined =>
  checks.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at)).at(-1);

/** All data: whatever was damaged before is looked at. */
const allData = '1/1';

/**
 * Whether a check looks at everything that another one looked at. Damage in a part of the data is
 * not seen by who reads another part, or only looks whether all is there.
 */
const looksAtAllOf = (check: RepositoryCheck, other: RepositoryCheck): boolean =>
  (check.kind === 'data' && check.about === allData) ||
  (other.kind === 'check'
    ? check.kind !== 'restore'
    : check.kind === other.kind && check.about === other.about);

/** The action that shows whether damage is mended. */
export const actionAgain = ({ kind, about }: Pick<RepositoryCheck, 'kind' | 'about'>): string =>
  kind === 'check'
    ? 'verify-volumes'
    : `verify-volumes read-data=${(kind === 'data' ? about : undefined) ?? allData}`;

const parse = (text: string): Fields => {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    return {};
  }
};

const parseCheck = (fields: Fields): RepositoryCheck | undefined => {
  const kind = checkKinds.find((known) => known === fields['kind']);
  const at = textOf(fields['at']);
  const { intact, seconds, errors, packs } = fields;
  if (kind === undefined || !isTimeText(at) || typeof intact !== 'boolean') return undefined;
  return {
    ...{ kind, at, intact },
    seconds: typeof seconds === 'number' ? seconds : 0,
    about: textOf(fields['about']) || undefined,
    errors: Array.isArray(errors) ? errors.map(textOf) : [],
    packs: Array.isArray(packs) ? packs.map(textOf) : [],
  };
};
