import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generationOf, layoutOf } from '../../src/repository/layout.ts';
import { contentsOf, destroy } from '../rigs/box-contents.ts';
import type { ActionRun } from '../sandbox/box/actions.ts';
import type { Box } from '../sandbox/box.ts';
import { assertNothingLeft, assertPutBack, calmOf, undoIn } from './aftermath.ts';
import type { Moment } from './moments.ts';
import { lookOnRestore } from './restore-moments.ts';
import type { Rig } from './rig.ts';
import { type Blow, strike } from './strike.ts';

/** A rig with a set in it, and what the set has to bring back. */
export interface RestoreRig {
  readonly rig: Rig;
  readonly id: string;
  readonly contents: Readonly<Record<string, unknown>>;
  /** The objects of S3 that are ours or a database backup's. */
  readonly stored: readonly string[];
}

const databases = ['kfp-db', 'katib-db'] as const;

/**
 * Makes a set and restores it once, so that its databases look elsewhere from now on, and every
 * restore to come has to copy their backups there.
 */
export const openRestoreRig = async (rig: Rig): Promise<RestoreRig> => {
  await rig.box.mlmd.stopWriting();
  const contents = contentsOf(rig.box);
  const made = await rig.box.run('backup-control-plane');
  assert.equal(made.status, 'completed', made.message);
  const restore = {
    rig,
    contents,
    id: String(made.results['backup-id']),
    stored: storedIn(rig.box),
  };
  await restoreAll(restore);
  return restore;
};

/** A restore that nobody disturbs, of what was destroyed, and what there was to see of it. */
export const watchRestore = async (
  restore: RestoreRig,
): Promise<{ readonly seen: readonly Moment[]; readonly milliseconds: number }> => {
  destroyAll(restore.rig);
  const seen: Moment[] = [];
  using _looking = lookOnRestore(restore.rig, (moment) => {
    seen.push(moment);
    return undefined;
  });
  const started = performance.now();
  await restoreAll(restore);
  return { seen, milliseconds: performance.now() - started };
};

/**
 * Everything is destroyed, a restore of it is struck, and the hook after it puts every scale back
 * and hands each database a path that it can write to; then the restore is run again and brings
 * everything back, byte for byte and row for row, and leaves nothing else. Returns whether the
 * process died of the blow.
 */
export const playRestoreRound = async (
  restore: RestoreRig,
  blow: Blow,
): Promise<{ readonly struck: boolean }> => {
  const { rig } = restore;
  destroyAll(rig);
  const before = calmOf(rig.box);
  const struck = await strike(restore.rig, blow, () => start(restore), lookOnRestore);
  if (struck && blow.signal === 'SIGTERM') {
    assert.deepEqual(calmOf(rig.box), before, 'SIGTERM: the scales before any hook');
    assert.deepEqual(undoIn(rig.journal), []);
  }
  if (blow.next === 'new pod') {
    await rig.replacePod();
    await rig.box.mlmd.stopWriting();
  } else await comeToItself(rig);
  await settled(rig.box);
  assertPutBack(rig.box, rig.journal, before);
  assertPathsKnown(rig);
  await restoreAll(restore);
  assertPutBack(rig.box, rig.journal, before);
  return { struck };
};

/** What is large comes back in parts. */
const destroyAll = ({ box }: Rig): void => {
  destroy(box);
  box.stores.minio.contents.remove('mlpipeline', 'v2/artifacts/a b/in-parts');
};

/**
 * On a machine that is busy the controller may not answer within the few seconds that a hook has;
 * the next one tries again.
 */
const comeToItself = async ({ box }: Rig): Promise<void> => {
  const isWaiting = (): boolean =>
    box.unit.agent.state.unitStatus.message.includes('[juju-unreachable]');
  let hooks = 0;
  do assert.equal((await box.hook('update-status')).exitCode, 0);
  while (isWaiting() && ++hooks < 3);
};

const start = ({ rig, id }: RestoreRig) =>
  rig.box.start('restore-control-plane', { 'backup-id': id, confirm: rig.box.model.state.name });

/** Restores the set, and holds the model to it. */
const restoreAll = async (restore: RestoreRig): Promise<ActionRun> => {
  const { rig, id, contents, stored } = restore;
  const run = await rig.box.run('restore-control-plane', {
    'backup-id': id,
    confirm: rig.box.model.state.name,
  });
  assert.equal(run.status, 'completed', run.message);
  await settled(rig.box);
  assert.deepEqual(contentsOf(rig.box), contents);
  for (const name of databases)
    assert.equal(rig.box.model.application(name).status?.status, 'active', name);
  assert.deepEqual(storedIn(rig.box), stored);
  assertPathsKnown(rig);
  forgetKept(rig.box);
  await assertNothingLeft(rig.box, rig.journal);
  return run;
};

const settled = async ({ model }: Box): Promise<void> => {
  for (const name of databases) await model.settled(name);
};

/** What a restore keeps of the database that it replaces is the operator's to delete. */
const forgetKept = ({ mlmd }: Box): void => {
  const volume = dirname(mlmd.file);
  for (const name of readdirSync(volume))
    if (name.startsWith('mlmd.db.before-restore-')) rmSync(join(volume, name));
};

/**
 * What is written by the databases while they look after their paths, the claim, whose numbers move
 * on, and the test object of a preflight, which the next backup clears away, are not counted.
 */
const storedIn = ({ stores, prefix }: Box): readonly string[] =>
  stores.target.contents
    .keys(stores.backups.bucket, `${prefix}/`)
    .filter(
      (key) =>
        !/\/(group_replication_id\.txt|binlogs\/\S+|ckf-backup\.json|proofs\.json|write-test-.+)$/s.test(
          key,
        ),
    );

/** Each database was handed the newest path that the claim tells of, or a newer one. */
const assertPathsKnown = ({ box, journal }: Rig): void => {
  const { stores, prefix } = box;
  const claim = JSON.parse(
    stores.target.contents.read(stores.backups.bucket, `${prefix}/ckf-backup.json`).toString(),
  ) as { readonly generations: Readonly<Record<string, number>> };
  const recorded = JSON.parse(readFileSync(join(journal, 'database-paths.json'), 'utf8')) as Record<
    string,
    string
  >;
  for (const name of databases) {
    const relation = box.unit.agent.state.relations.find(({ endpoint }) => endpoint === name);
    const handed = relation?.localApplicationData['path'];
    assert.equal(handed, recorded[name], `${name}: handed out and recorded`);
    const generation = generationOf(layoutOf(prefix), name, handed) ?? 0;
    assert.ok(generation >= (claim.generations[name] ?? 1), `${name}: ${handed ?? 'no path'}`);
  }
};
