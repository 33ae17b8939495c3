import type { DatabasePlan } from '../../src/backup/applications.ts';
import assert from 'node:assert/strict';
import { backUpDatabase } from '../../src/backup/databases.ts';
import { startHeartbeat } from '../../src/operation/heartbeat.ts';
import { holdScale } from '../../src/operation/hold-scale.ts';
import { waitForScale } from '../../src/operation/wait-for-scale.ts';
import type { DatabaseBackup } from '../../src/repository/manifest.ts';
import { aScaleWorld, type ScaleWorldRig } from '../rigs/scale-world.ts';
import { addScriptedDatabase } from '../rigs/scripted-database.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

/** Backs kfp-db up and puts its scale back, as the story does. */
const backUp = async (
  world: ScaleWorldRig,
  plan: Partial<DatabasePlan> = {},
): Promise<DatabaseBackup> => {
  await using heartbeat = startHeartbeat(world);
  const application = await world.applicationNamed('kfp-db');
  const units = plan.units ?? Math.max(application.scale, 2);
  const held =
    units > application.scale ? await holdScale(world, application, units, 60) : undefined;
  try {
    if (held) await waitForScale(world, 'kfp-db', { units, timeoutSeconds: 60 });
    return await backUpDatabase(
      {
        juju: world.juju,
        journal: world.journal,
        clock: world.clock,
        signal: world.signal,
        cancelled: world.signal,
        heartbeat,
        note: (message) => world.progress.note(message),
      },
      {
        component: 'kfp-db',
        application,
        isRelated: true,
        location: undefined,
        units,
        timeoutSeconds: 60,
        ...plan,
      },
      held,
    );
  } finally {
    await held?.putBack();
  }
};

const unhealthy = 'Cluster is not in a healthy state';

describe('backup of a database', () => {
  it('scales it up, backs up the member that takes no writes, and scales it back', async () => {
    using world = aScaleWorld();
    const database = addScriptedDatabase(world.model, 'kfp-db');
    const made = await backUp(world);
    assert.deepEqual(database.backups, [{ unit: 'kfp-db/1', force: false, units: 2 }]);
    assert.equal(made.backupId, '2026-11-21T20:15:10Z');
    assert.equal(made.unit, 'kfp-db/1');
    assert.equal(made.revision, 344);
    assert.equal(made.version, '8.0.44');
    assert.equal(world.model.application('kfp-db').scale, 1);
    assert.equal(world.journal.kept.size, 0);
  });

  it('leaves a database of three units as it is, and takes the last secondary', async () => {
    using world = aScaleWorld();
    const database = addScriptedDatabase(world.model, 'kfp-db', 3);
    await backUp(world);
    assert.deepEqual(database.backups, [{ unit: 'kfp-db/2', force: false, units: 3 }]);
    assert.ok(world.model.changes.every(({ kind }) => kind !== 'scale'));
  });

  it('backs a single unit up where it is, when it may not be scaled', async () => {
    using world = aScaleWorld();
    const database = addScriptedDatabase(world.model, 'kfp-db');
    database.refusal = unhealthy;
    await backUp(world, { units: 1 });
    assert.deepEqual(
      database.backups.map(({ unit, force }) => [unit, force]),
      [
        ['kfp-db/0', false],
        ['kfp-db/0', true],
      ],
    );
  });

  it('forces only what two healthy members are refused for', async () => {
    using world = aScaleWorld();
    const database = addScriptedDatabase(world.model, 'kfp-db');
    database.refusal = unhealthy;
    await backUp(world);
    assert.deepEqual(
      database.backups.map(({ unit, force }) => [unit, force]),
      [
        ['kfp-db/1', false],
        ['kfp-db/1', true],
      ],
    );
  });

  it('never forces any other refusal', async () => {
    using world = aScaleWorld();
    const database = addScriptedDatabase(world.model, 'kfp-db');
    database.refusal = 'S3 relation is blocked for write';
    const { message } = await rejectsWithCode(backUp(world), 'database-backup-failed');
    assert.match(message, /S3 relation is blocked for write/);
    assert.match(message, /juju show-task/);
    assert.equal(database.backups.length, 1);
    assert.equal(world.model.application('kfp-db').scale, 1);
  });

  it('does not force when a member went away between the refusal and the check', async () => {
    using world = aScaleWorld();
    const database = addScriptedDatabase(world.model, 'kfp-db', 2);
    database.refusal = unhealthy;
    world.model.onChange(() => {
      if (database.backups.length === 1) database.states.set('kfp-db/0', 'unreachable');
    });
    const { message } = await rejectsWithCode(backUp(world), 'database-unhealthy');
    assert.match(message, /must not be forced: member kfp-db\/0 is unreachable/);
    assert.equal(database.backups.length, 1);
  });

  it('waits for the new member to be online, which Juju does not tell', async () => {
    using world = aScaleWorld();
    const database = addScriptedDatabase(world.model, 'kfp-db');
    database.states.set('kfp-db/1', 'recovering');
    void world.clock.sleep(30_000).then(() => database.states.delete('kfp-db/1'));
    await backUp(world, { timeoutSeconds: 600 });
    assert.equal(database.backups.length, 1);
  });

  it('gives up on a member that stays recovering, and puts the scale back', async () => {
    using world = aScaleWorld();
    const database = addScriptedDatabase(world.model, 'kfp-db');
    database.states.set('kfp-db/1', 'recovering');
    const { message } = await rejectsWithCode(backUp(world), 'database-unhealthy');
    assert.match(message, /kfp-db\/1 is recovering/);
    assert.deepEqual(database.backups, []);
    assert.equal(world.model.application('kfp-db').scale, 1);
  });

  it('does not believe a backup that list-backups does not call finished', async () => {
    using world = aScaleWorld();
    const database = addScriptedDatabase(world.model, 'kfp-db');
    database.listedAs = 'failed';
    const { message } = await rejectsWithCode(backUp(world), 'database-backup-failed');
    assert.match(message, /list-backups says failed/);
  });

  it('believes one that list-backups calls Finished', async () => {
    using world = aScaleWorld();
    const database = addScriptedDatabase(world.model, 'kfp-db');
    database.listedAs = 'Finished';
    await backUp(world);
    assert.equal(database.backups.length, 1);
  });

  it('says that create-backup ended well and named no backup, not that it failed', async () => {
    using world = aScaleWorld();
    const database = addScriptedDatabase(world.model, 'kfp-db');
    database.silence = 'Stanza was not initialised';
    const { message } = await rejectsWithCode(backUp(world), 'database-backup-failed');
    assert.match(
      message,
      /create-backup on kfp-db\/1 ended well and named no backup.* juju show-task \d+/,
    );
    assert.doesNotMatch(message, /ended as completed|failed:/);
    assert.equal(world.model.application('kfp-db').scale, 1);
  });
});
