import assert from 'node:assert/strict';
import { putBack } from '../../src/operation/put-back.ts';
import { generationOf, layoutOf, backupIdAt } from '../../src/repository/layout.ts';
import type { RestoreRequest } from '../../src/restore/set.ts';
import { runRestore } from '../../src/restore/run-restore.ts';
import { aConfig } from '../rigs/config.ts';
import { type Death, type MortalWorld, mortalWorld, type Step } from '../rigs/mortal-world.ts';
import { aRestoreWorld, mysqlBackupId, type RestoreWorldRig } from '../rigs/restore-world.ts';

const request: RestoreRequest = {
  backupId: backupIdAt(new Date('2026-11-21T20:15:00Z')),
  components: undefined,
  dryRun: false,
  deleteExtra: true,
  allowRunning: false,
  allowDamaged: false,
  thaw: false,
  allowUnsigned: false,
  renamed: new Map(),
  confirm: 'kubeflow',
  fromModel: undefined,
  takeOver: false,
  timeoutSeconds: 600,
};
const databases = ['kfp-db', 'katib-db'] as const;

interface Rig extends RestoreWorldRig {
  /** What the database of ML Metadata holds, and what lies next to it. */
  readonly mlmd: { now: string; beside: string | undefined };
}

/**
 * Three units of each database, whose backups lie under an earlier path; an empty bucket but for
 * what nobody knows; another ML Metadata.
 */
const openRig = (): Rig => {
  const rig = aRestoreWorld(3);
  const mlmd: Rig['mlmd'] = { now: 'destroyed', beside: undefined };
  for (const name of databases) rig.paths.set(name, `ckf/${name}-2`);
  const claim = { format: 1, model: rig.whole.model, generations: { 'kfp-db': 2, 'katib-db': 2 } };
  rig.target.seed('ckf/ckf-backup.json', JSON.stringify(claim));
  rig.source.seed('later', 'made after the backup');
  rig.kubernetes.addPod('mlmd-0', [
    { name: 'charm', mounts: new Map([['mlmd-data', '/var/lib/juju/storage/mlmd-data/0']]) },
    { name: 'mlmd-grpc-server', mounts: new Map([['mlmd-data', '/data']]) },
  ]);
  rig.kubernetes.onExec = ({ command }) => {
    const verb = command[0] === 'python3' ? command[4] : command[0];
    if (verb === 'stat') return { stdout: '1000000 4096\n' };
    if (verb === 'receive') mlmd.beside = 'restored';
    if (verb === 'switch') {
      assert.equal(rig.model.application('kfp-metadata-writer').units.length, 0);
      mlmd.now = mlmd.beside ?? assert.fail('nothing was loaded');
      mlmd.beside = undefined;
    }
    return { stdout: JSON.stringify({ integrity: 'ok', rows: { MLMDEnv: 1 } }) };
  };
  return { ...rig, mlmd };
};

const scalesOf = ({ model }: Rig): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries(
    Object.values(model.state.applications).map(({ name, scale, units }) => [
      name,
      [scale, units.length],
    ]),
  );

/** A restore that runs to its end, or dies. */
const run = async (mortal: MortalWorld) => {
  const outcome = await Promise.race([runRestore(mortal.world, aConfig(), request), mortal.died]);
  if (outcome !== 'died') await mortal.commit();
  return outcome;
};

/** What the next hook does: scales, and the paths that the journal knows. */
const hook = async (rig: Rig): Promise<void> => {
  assert.deepEqual(await putBack(rig.whole), []);
  for (const [endpoint, path] of Object.entries(await rig.journal.databasePaths()))
    rig.paths.set(endpoint, path);
};

const settled = async ({ model }: Rig): Promise<void> => {
  for (const name of [...databases, 'kfp-metadata-writer']) await model.settled(name);
};

const moveOn = ({ paths, handed }: Rig): void => {
  for (const [endpoint, path] of handed) paths.set(endpoint, path);
};

const assertRestored = (rig: Rig): void => {
  assert.deepEqual(
    [...rig.source.objects].map(([key, { bytes }]) => [key, bytes.toString()]),
    ['artifacts/1', 'pipelines/1'].map((key) => [key, `content of ${key}`]),
  );
  assert.deepEqual(rig.mlmd, { now: 'restored', beside: undefined });
  const claim = JSON.parse(rig.target.bucket.get('ckf/ckf-backup.json').bytes.toString()) as {
    readonly generations: Readonly<Record<string, number>>;
  };
  for (const name of databases) {
    const last = rig.databases[name]?.restores.at(-1);
    assert.deepEqual(last, { id: mysqlBackupId, unit: `${name}/0`, units: 1 });
    const generation = generationOf(layoutOf('ckf'), name, rig.paths.get(name));
    assert.equal(generation, claim.generations[name]);
    assert.ok((generation ?? 0) > 2);
  }
  // The test object of a preflight that was killed is for the next backup to clear away.
  const left = [...rig.target.objects.keys()].filter((key) => /-db-\d|lock/.test(key));
  assert.deepEqual(left, []);
};

describe('a restore that is killed', () => {
  const play = async (death: Death): Promise<void> => {
    using rig = openRig();
    const before = scalesOf(rig);
    const outcome = await run(mortalWorld(rig.whole, death));
    const text = `${death.when} ${death.what} (${death.nth})`;
    assert.equal(outcome, 'died', text);
    // What runs in another charm's unit goes on without us.
    await settled(rig);
    await hook(rig);
    await settled(rig);
    assert.deepEqual(scalesOf(rig), before, text);
    assert.equal(rig.journal.kept.size, 0, text);

    assert.notEqual(await run(mortalWorld(rig.whole)), 'died');
    moveOn(rig);
    assertRestored(rig);
    assert.deepEqual(scalesOf(rig), before, text);
  };

  it('before or after any step at all is undone by the next hook, and completed by the next restore', async () => {
    using rig = openRig();
    const undisturbed = mortalWorld(rig.whole);
    await run(undisturbed);
    moveOn(rig);
    assertRestored(rig);
    const { steps } = undisturbed;
    for (const kind of [
      'journal.record kfp-metadata-writer',
      'journal.setDatabasePath kfp-db',
      'target.put ckf/ckf-backup.json',
      'target.copy ckf/katib-db-2/',
      'source.put pipelines/1',
      'source.delete later',
      'juju.scale kfp-db 1',
      'juju.scale kfp-db 3',
      'juju.runAction katib-db/0 restore',
      'exec switch',
      'handPath katib-db',
    ])
      assert.ok(
        steps.some(({ what }) => what.startsWith(kind)),
        `${kind} is not among ${steps.map(({ what }) => what).join(', ')}`,
      );
    // How often the lock is renewed depends on how long things take.
    const isRenewal = ({ what, nth }: Step): boolean => what.includes('/locks/') && nth > 2;
    for (const step of steps.filter((one) => !isRenewal(one)))
      for (const when of ['before', 'after'] as const) await play({ ...step, when });
  });
});
