import { ago, assuranceText, proofText } from '../assurance/assurance-text.ts';
import { assess } from '../assurance/assurance.ts';
import { targetAsOf } from '../repository/as-of.ts';
import { type BackupId, layoutOf } from '../repository/layout.ts';
import { bestProof, type Proof, proofOfDamage, readProofs } from '../repository/proofs.ts';
import { listSets, type ListedSet, componentSizes, setSize } from '../repository/sets.ts';
import { ownLocations } from '../repository/storage-location.ts';
import { ageText, sizeText, tableText } from '../text.ts';
import type { Target } from '../world.ts';
import { type Action, asOfParameter, backupIdParameter } from './action.ts';

/**
 * Lists the sets from S3 alone, so that it works in a fresh model that points at an old path.
 * Results: `backups`, a table or JSON; `assurance`, a line on how far back one could go; `links`,
 * when they are asked for: a page of each set, which anybody may read for a day; and `next`, the id
 * to give as `before` for older ones.
 */
export const listBackups: Action = async (world, _config, parameters) => {
  const { limit, before, format, link } = parameters;
  const present = await world.openTarget();
  await using _store = present.store;
  const target = await targetAsOf(world, present, asOfParameter(world, parameters));
  const page = await listSets(target, {
    limit: typeof limit === 'number' ? limit : 20,
    ...(typeof before === 'string' &&
      before !== '' && { before: backupIdParameter(world, 'before', before) }),
  });
  const now = world.clock.now();
  const proofs = await proofsOf(target, page.sets);
  const show = format === 'json' ? jsonOfSets : tableOfSets;
  return {
    backups: show(page.sets, proofs, now),
    location: `s3://${target.bucket}/${target.prefix}`,
    assurance: assuranceText(await assess(target), now),
    // A link leads to what is there now.
    ...(link === true && target === present && { links: await linksOf(target, page.sets) }),
    ...(page.next !== undefined && { next: page.next }),
  };
};

type Proofs = ReadonlyMap<BackupId, readonly Proof[]>;

/** So many sets are asked for at a time. */
const concurrency = 16;

const proofsOf = async (target: Target, sets: readonly ListedSet[]): Promise<Proofs> => {
  const proofs = new Map<BackupId, readonly Proof[]>();
  const left = sets.map(({ id }) => id);
  const readNext = async (): Promise<void> => {
    for (let id = left.shift(); id !== undefined; id = left.shift())
      proofs.set(id, await readProofs(target, id));
  };
  await Promise.all(Array.from({ length: concurrency }, readNext));
  return proofs;
};

/** Seconds. */
const aDay = 24 * 3600;

/** A line for each set: its id, and the link to its page. */
const linksOf = async (target: Target, sets: readonly ListedSet[]): Promise<string> => {
  const layout = layoutOf(target.prefix);
  const links = await Promise.all(
    sets.map(async ({ id }) => {
      const key = layout.setPage(id);
      const page = await target.store.head(key);
      return page === undefined
        ? `${id}  has no page: an earlier revision made it`
        : `${id}  ${await target.store.link(key, aDay)}`;
    }),
  );
  return links.length === 0 ? 'none' : links.join('\n');
};

/**
 * A table for people: id, whether consistent, size, age, how it was proven or that it was found
 * damaged, and the components with their sizes.
 */
const tableOfSets = (sets: readonly ListedSet[], proofs: Proofs, now: Date): string => {
  if (sets.length === 0) return 'There are no backups.';
  return tableText([
    ['BACKUP-ID', 'CONSISTENT', 'SIZE', 'AGE', 'PROVEN', 'COMPONENTS'],
    ...sets.map((set) => [set.id, ...describe(set, proofs.get(set.id) ?? [], now)]),
  ]);
};

/** Compact JSON for machines: an array, newest first; sizes in bytes, ages in seconds. */
const jsonOfSets = (sets: readonly ListedSet[], proofs: Proofs, now: Date): string =>
  JSON.stringify(
    sets.map((set) => {
      const age = Math.round(ageOf(set, now));
      if (set.manifest === undefined)
        return { id: set.id, age, problem: set.problem.message, code: set.problem.code };
      const { consistent, components, model } = set.manifest;
      const sizes = componentSizes(set.manifest);
      const locations = ownLocations(set.manifest);
      const known = proofs.get(set.id) ?? [];
      const proof = proofOfDamage(known) ?? bestProof(known);
      return {
        id: set.id,
        age,
        consistent,
        components,
        size: setSize(set.manifest),
        sizes,
        ...(Object.keys(locations).length > 0 && { locations }),
        model: model.name,
        ...(proof && { proven: { by: proof.kind, at: proof.at, intact: proof.intact } }),
      };
    }),
  );

const describe = (set: ListedSet, proofs: readonly Proof[], now: Date): string[] => {
  const age = ageText(ageOf(set, now));
  const { manifest, problem } = set;
  if (manifest === undefined) return ['unreadable', '-', age, '-', shortened(problem.message)];
  const sizes = componentSizes(manifest);
  const locations = ownLocations(manifest);
  const components = manifest.components.map((component) => {
    const size = sizes[component];
    const location = locations[component];
    if (location !== undefined) return `${component} (${location})`;
    return size === undefined ? component : `${component} ${sizeText(size)}`;
  });
  return [
    manifest.consistent ? 'yes' : 'no',
    sizeText(setSize(manifest)),
    age,
    provenText(proofs, now),
    components.join(', '),
  ];
};

const provenText = (proofs: readonly Proof[], now: Date): string => {
  const damage = proofOfDamage(proofs);
  if (damage !== undefined) return `DAMAGED, seen ${ago(damage.at, now)}`;
  const proof = bestProof(proofs);
  return proof === undefined ? 'never' : `${proofText[proof.kind]} ${ago(proof.at, now)}`;
};

/** Seconds. */
const ageOf = ({ id }: ListedSet, now: Date): number =>
  Math.max(0, (now.getTime() - Date.parse(id)) / 1000);

const shortened = (text: string): string => (text.length > 120 ? `${text.slice(0, 119)}…` : text);
