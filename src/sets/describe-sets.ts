import { durationText, sizeText } from '../backup/wording.ts';
import type { ListedSet } from './list-sets.ts';
import { componentSizes, setSize } from './set-size.ts';

/** A table for people: id, whether consistent, size, age, and the components with their sizes. */
export const tableOfSets = (sets: readonly ListedSet[], now: Date): string => {
  if (sets.length === 0) return 'There are no backups.';
  const rows = [
    ['BACKUP-ID', 'CONSISTENT', 'SIZE', 'AGE', 'COMPONENTS'],
    ...sets.map((set) => [set.id, ...describe(set, now)]),
  ];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

/** Compact JSON for machines: an array, newest first; sizes in bytes, ages in seconds. */
export const jsonOfSets = (sets: readonly ListedSet[], now: Date): string =>
  JSON.stringify(
    sets.map((set) => {
      const age = Math.round(ageOf(set, now));
      if (set.manifest === undefined)
        return { id: set.id, age, problem: set.problem.message, code: set.problem.code };
      const { consistent, components, model } = set.manifest;
      const sizes = componentSizes(set.manifest);
      return {
        id: set.id,
        age,
        consistent,
        components,
        size: setSize(set.manifest),
        sizes,
        model: model.name,
      };
    }),
  );

const describe = (set: ListedSet, now: Date): string[] => {
  const age = ageText(ageOf(set, now));
  const { manifest, problem } = set;
  if (manifest === undefined) return ['unreadable', '-', age, shortened(problem.message)];
  const sizes = componentSizes(manifest);
  const components = manifest.components.map((component) => {
    const size = sizes[component];
    return size === undefined ? component : `${component} ${sizeText(size)}`;
  });
  return [
    manifest.consistent ? 'yes' : 'no',
    sizeText(setSize(manifest)),
    age,
    components.join(', '),
  ];
};

/** Seconds. */
const ageOf = ({ id }: ListedSet, now: Date): number =>
  Math.max(0, (now.getTime() - Date.parse(id)) / 1000);

const ageText = (seconds: number): string =>
  seconds < 2 * 86_400 ? durationText(seconds) : `${Math.floor(seconds / 86_400)}d`;

const shortened = (text: string): string => (text.length > 120 ? `${text.slice(0, 119)}…` : text);
