import { isTimeText } from '../ports/fields.ts';
import type { Target } from '../world.ts';
import { type BackupId, layoutOf } from './layout.ts';
import { readText } from './read-text.ts';

/** Each proves more than the one before. */
export const proofKinds = ['verify', 'deep', 'restore'] as const;

export type ProofKind = (typeof proofKinds)[number];

/**
 * That somebody looked whether a set can be restored: `verify` that everything is there, `deep`
 * that all of it was read and equals its checksums, `restore` that all of it was restored.
 */
export interface Proof {
  readonly kind: ProofKind;
  /** ISO 8601, to the second. */
  readonly at: string;
  readonly intact: boolean;
  readonly seconds: number;
  /** What was read; 0 of a proof that reads nothing. */
  readonly bytes: number;
}

/** The newest proof of each kind; those that cannot be read are left out. */
export const readProofs = async (
  { store, prefix }: Target,
  id: BackupId,
): Promise<readonly Proof[]> => {
  const text = await readText(store, layoutOf(prefix).proofs(id));
  return text === undefined ? [] : parseProofs(text);
};

/** The newest proof, when that found the set damaged. */
export const proofOfDamage = (proofs: readonly Proof[]): Proof | undefined => {
  const newest = proofs.toSorted((one, other) => one.at.localeCompare(other.at)).at(-1);
  return newest?.intact === false ? newest : undefined;
};

/** Of the newest proof of each kind the one that proves most, of those that found it intact. */
export const bestProof = (proofs: readonly Proof[]): Proof | undefined =>
  proofs
    .filter(({ intact }) => intact)
    .toSorted((one, other) => proofKinds.indexOf(one.kind) - proofKinds.indexOf(other.kind))
    .at(-1);

/** Keeps a proof next to its set, in place of the one of the same kind before it. */
export const keepProof = async (target: Target, id: BackupId, proof: Proof): Promise<void> => {
  const others = (await readProofs(target, id)).filter(({ kind }) => kind !== proof.kind);
  const text = `${JSON.stringify({ format: 1, proofs: [...others, proof] }, undefined, 2)}\n`;
  await target.store.put(layoutOf(target.prefix).proofs(id), text, {
    metadata: { contentType: 'application/json' },
  });
};

const parseProofs = (text: string): readonly Proof[] => {
  try {
    const value: unknown = JSON.parse(text);
    const proofs: unknown =
      typeof value === 'object' && value !== null && 'proofs' in value ? value.proofs : [];
    return Array.isArray(proofs) ? proofs.filter(isProof) : [];
  } catch {
    return [];
  }
};

const isProof = (value: unknown): value is Proof => {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, at, intact, seconds, bytes }: Readonly<Record<string, unknown>> = { ...value };
  return (
    proofKinds.some((known) => known === kind) &&
    typeof at === 'string' &&
    isTimeText(at) &&
    typeof intact === 'boolean' &&
    [seconds, bytes].every((figure) => typeof figure === 'number' && figure >= 0)
  );
};
