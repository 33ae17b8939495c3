import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Box } from '../sandbox/box.ts';
import { eventually, processesWith } from './processes.ts';

/** What a box looks like while nobody works on it. */
export interface Calm {
  readonly scales: Readonly<Record<string, number>>;
  readonly units: Readonly<Record<string, number>>;
}

export const calmOf = (box: Box): Calm => ({
  scales: box.scales(),
  units: Object.fromEntries(
    Object.values(box.model.state.applications).map(({ name, units }) => [name, units.length]),
  ),
});

/** Every scale and every unit is as before, and the journal has nothing to undo. */
export const assertScalesBack = (box: Box, journal: string, before: Calm): void => {
  assert.deepEqual(calmOf(box), before);
  assert.deepEqual(undoIn(journal), []);
};

/** Besides, the status says that all is well. */
export const assertPutBack = (box: Box, journal: string, before: Calm): void => {
  assertScalesBack(box, journal, before);
  assert.match(box.unit.agent.state.unitStatus.message, /^Ready/);
};

export const undoIn = (journal: string): readonly string[] =>
  readdirSync(journal).filter((name) => /^undo-.*\.json$/.test(name));

/** Neither a process of ours, nor a command in the pod of mlmd, nor a file of either is left. */
export const assertNothingLeft = async (box: Box, journal: string): Promise<void> => {
  const { directory } = box.unit.agent;
  const volume = dirname(box.mlmd.file);
  const pod = join(volume, '../mlmd-0');
  const processes = await eventually(() =>
    [directory, volume, pod]
      .flatMap((place) => [...processesWith(place).values()])
      // The box's own, which plays the users of ML Metadata.
      .filter((command) => !command.includes('mlmd-writer'))
      .join('\n'),
  );
  assert.equal(processes, '');
  assert.equal(await eventually(() => (box.kubernetes.running === 0 ? '' : 'an exec runs')), '');
  const files = [
    ...filesIn(join(pod, 'charm/tmp')),
    ...filesIn(join(pod, 'mlmd-grpc-server/tmp')),
    ...filesIn(volume).filter((name) => !/^mlmd\.db(-journal)?$/.test(name)),
    ...filesIn(journal).filter((name) => name.endsWith('.new')),
    ...filesIn(join(directory, 'agents/unit-ckf-backup-0/scratch/ckf-backup')),
  ];
  assert.deepEqual(files, []);
};

const filesIn = (directory: string): readonly string[] =>
  existsSync(directory) ? readdirSync(directory) : [];

/**
 * In S3 there is nothing of a backup that has no manifest: no list, no dump, no mark, no part, no
 * test object, no lock. Sessions stay, also of backups that failed. `marks`: of so many it is known
 * that they stay.
 */
export const assertNoDebris = (
  { stores, prefix }: Box,
  sets: readonly string[],
  marks = 0,
): void => {
  const { contents } = stores.target;
  const { bucket } = stores.backups;
  const dumps = sets.map((id) => `mlmd-${id.slice(0, 19).replaceAll(/[T:]/g, '-')}.dump.gz`);
  const ours = new Set([
    ...sets.flatMap((id) =>
      ['manifest.json', 'index.html', 'mlpipeline.ndjson.gz', 'proofs.json'].map(
        (name) => `sets/${id}/${name}`,
      ),
    ),
    ...dumps.map((name) => `mlmd/${name}`),
    'ckf-backup.json',
  ]);
  const others = contents
    .keys(bucket, `${prefix}/`)
    .map((key) => key.slice(prefix.length + 1))
    .filter((key) => !/^(kfp-db|katib-db|mlpipeline|history|runs)\//.test(key) && !ours.has(key));
  const isMark = (key: string): boolean => /^sets\/[^/]+\/started\.json$/.test(key);
  assert.deepEqual(marks === 0 ? others : others.filter((key) => !isMark(key)), []);
  assert.equal(others.filter(isMark).length, marks);
  assert.deepEqual(partsIn(stores.target.contents.bucket(bucket).uploads, prefix), []);
};

const partsIn = (
  uploads: ReadonlyMap<string, { readonly key: string }>,
  prefix: string,
): readonly string[] =>
  [...uploads.values()]
    .map(({ key }) => key.slice(prefix.length + 1))
    .filter((key) => !/^(kfp-db|katib-db)/.test(key));
