import { CharmError, orProblem } from '../errors.ts';
import { layoutOf } from '../repository/layout.ts';
import type { BackupManifest } from '../repository/manifest.ts';
import { bestProof, type Proof, proofOfDamage, readProofs } from '../repository/proofs.ts';
import { type ListedSet, listSets } from '../repository/sets.ts';
import type { Target } from '../world.ts';
import { type RestoreTime, ratesOf, restoreTime } from './restore-time.ts';

/*
 * This folder tells how far back one could go now, how sure that is, how long it would take, and
 * what it would not bring back.
 */

export interface Assurance {
  /** The newest set that could be restored now. */
  readonly manifest: BackupManifest;
  /** The best of its newest proofs; undefined when nobody looked. */
  readonly proof: Proof | undefined;
  readonly restore: RestoreTime;
  /** Newer sets that were passed over, and why. */
  readonly passedOver: readonly { readonly id: string; readonly why: string }[];
}

/** So many sets are looked at, newest first. */
const mostLookedAt = 20;

/**
 * The newest set that could be restored now: its manifest can be trusted, the newest proof of it
 * did not find it damaged, and its lists and its dump are there. From S3 alone, with a few
 * requests; whether every object is there is for verify-backup to say.
 */
export const assess = async (
  target: Target,
): Promise<Assurance | { readonly passedOver: Assurance['passedOver'] }> => {
  const { sets } = await listSets(target, { limit: mostLookedAt });
  const passedOver: { id: string; why: string }[] = [];
  const proofsOfAll: Proof[] = [];
  for (const set of sets) {
    const proofs = await readProofs(target, set.id);
    proofsOfAll.push(...proofs);
    const why = await whyNot(target, set, proofs);
    if (why === undefined && set.manifest !== undefined) {
      const { manifest } = set;
      const restore = restoreTime(manifest, proofs, [
        ...proofsOfAll.filter(({ kind }) => kind === 'deep'),
        ...ratesOf(sets.flatMap((one) => one.manifest ?? [])),
      ]);
      return { manifest, proof: bestProof(proofs), restore, passedOver };
    }
    passedOver.push({ id: set.id, why: why ?? 'it has no manifest' });
  }
  return { passedOver };
};

const whyNot = async (
  { store, prefix }: Target,
  { manifest, problem }: ListedSet,
  proofs: readonly Proof[],
): Promise<string | undefined> => {
  if (manifest === undefined) return problem.message;
  const damage = proofOfDamage(proofs);
  if (damage !== undefined) return `it was found damaged at ${damage.at}`;
  const { mlmd, buckets } = manifest;
  const wanted = [
    ...(mlmd === undefined ? [] : [{ key: mlmd.key, size: mlmd.size }]),
    ...buckets.map(({ list }) => ({ key: list.key, size: list.size })),
  ].filter(({ key }) => key.startsWith(layoutOf(prefix).sets.slice(0, -'sets/'.length)));
  for (const { key, size } of wanted) {
    const found = await orProblem(() => store.head(key));
    if (found instanceof CharmError) throw found;
    if (found?.size !== size) return `${key} is missing or has another size`;
  }
  return undefined;
};
