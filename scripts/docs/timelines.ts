/*
 * node scripts/docs/timelines.ts
 *
 * Draws docs/images/backup.svg and docs/images/restore.svg from a backup and a restore on a model
 * in a box of their own, whose other charms take their time as real ones do.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseManifest } from '../../src/repository/stored-manifest.ts';
import { openBucket } from '../../tests/sandbox/box/bucket.ts';
import { type Box, startBox } from '../../tests/sandbox/box.ts';
import { type Bar, drawTimeline } from './timelines/draw.ts';
import { type WatchedRun, watchAction } from './timelines/watch.ts';

const images = join(import.meta.dirname, '../../docs/images');

const watched = async (
  box: Box,
  action: string,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<WatchedRun> => {
  const seen = await watchAction(box, action, parameters);
  if (seen.run.status !== 'completed') throw new Error(`${action} failed: ${seen.run.message}`);
  return seen;
};

/** The chapters that the manifest of the set tells of. */
const chaptersOf = async (box: Box, id: string, began: number): Promise<readonly Bar[]> => {
  using target = openBucket(box.stores.backups);
  const key = `kubeflow/sets/${id}/manifest.json`;
  const manifest = parseManifest(String(await target.read(key)), key);
  return (manifest.timeline ?? []).map((chapter) => {
    const from = (Date.parse(chapter.began) - began) / 1000;
    return { name: chapter.chapter, from, to: from + chapter.seconds, kind: 'work' };
  });
};

const directory = mkdtempSync(join(tmpdir(), 'timelines-'));
try {
  await using box = await startBox({ directory, pace: 1000 });
  const backup = await watched(box, 'backup-control-plane');
  const id = String(backup.run.results['backup-id']);
  const chapters = await chaptersOf(box, id, backup.began);
  await box.mlmd.stopWriting();
  const restore = await watched(box, 'restore-control-plane', {
    'backup-id': id,
    confirm: 'kubeflow',
  });
  const named = ({ steps }: WatchedRun): readonly Bar[] =>
    steps.map((step) => ({ ...step, name: step.name.replaceAll(id, '<id>') }));
  // The chapters tell more of what lies between the first step and the last.
  const [first, ...others] = named(backup);
  const shown = { first: first ? [first] : [], last: others.slice(-1) };
  writeFileSync(
    join(images, 'backup.svg'),
    drawTimeline('A backup', [...shown.first, ...chapters, ...shown.last, ...backup.scales]),
  );
  writeFileSync(
    join(images, 'restore.svg'),
    drawTimeline('A restore', [...named(restore), ...restore.scales]),
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
