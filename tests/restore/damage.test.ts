import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { restoreControlPlane } from '../../src/actions/restore-control-plane.ts';
import { listBackups } from '../../src/actions/list-backups.ts';
import { verifyBackup } from '../../src/actions/verify-backup.ts';
import { CharmError } from '../../src/errors.ts';
import { aConfig } from '../rigs/config.ts';
import { aRestoreWorld, mysqlBackupId, type RestoreWorldRig } from '../rigs/restore-world.ts';

const id = '2026-11-21T20:15:00Z';
const list = `ckf/sets/${id}/mlpipeline.ndjson.gz`;
const dump = 'ckf/mlmd/mlmd-2026-11-21-20-15-00.dump.gz';
const manifest = `ckf/sets/${id}/manifest.json`;
const replaced = 'ckf/mlpipeline/pipelines/1';

/**
 * Every kind of object that a restore reads; the last one lies in the history, because the mirror
 * has a later version.
 */
const objects: readonly (readonly [string, string])[] = [
  ['the manifest', manifest],
  ['the object list', list],
  ['the dump of ML Metadata', dump],
  ['an object of the mirror', 'ckf/mlpipeline/artifacts/1'],
  ['a replaced version in the history', 'history'],
  ['the data of a database', `ckf/kfp-db/${mysqlBackupId}/data.1`],
  ['the metadata of a database backup', `ckf/kfp-db/${mysqlBackupId}.metadata`],
  ['the log of a database backup', `ckf/katib-db/${mysqlBackupId}.backup.log`],
  ['the mark of a database backup', `ckf/katib-db/${mysqlBackupId}.md5`],
  ['the claim of the path', 'ckf/ckf-backup.json'],
];

type Spoil = (rig: RestoreWorldRig, key: string) => void;

const ways: Readonly<Record<string, Spoil>> = {
  'is missing': ({ target }, key) => {
    target.bucket.remove(key);
  },
  'has another size': ({ target }, key) => {
    target.seed(key, target.bucket.get(key).bytes.subarray(1));
  },
  'has other bytes of the same size': ({ target }, key) => {
    const { bytes } = target.bucket.get(key);
    target.seed(key, Buffer.from(bytes.map((byte) => byte ^ 0x55)));
  },
};

/**
 * A set of which a later backup has replaced an object, under a path that is ours. Returns its key
 * in the history, too.
 */
const world = (): { readonly rig: RestoreWorldRig; readonly history: string } => {
  const rig = aRestoreWorld(3);
  const { target } = rig;
  const { etag, bytes } = target.bucket.get(replaced);
  const history = `ckf/history/mlpipeline/pipelines/1/${etag}`;
  target.seed(history, bytes);
  target.seed(replaced, 'a later version');
  const claim = { format: 1, model: rig.whole.model, generations: {} };
  target.seed('ckf/ckf-backup.json', JSON.stringify(claim));
  return { rig, history };
};

const pictureOf = ({ target, source, handed, model, journal }: RestoreWorldRig) => ({
  // A verification notes what it found in proofs.json.
  target: [...target.objects]
    .filter(([key]) => !key.endsWith('/proofs.json'))
    .map(([key, { etag }]) => [key, etag]),
  uploads: target.bucket.uploads.size + source.bucket.uploads.size,
  source: [...source.objects.keys()],
  handed: [...handed],
  journal: [...journal.kept],
  scales: model.changes.filter(({ kind }) => kind === 'scale'),
  actions: model.changes.filter(
    (change) => change.kind === 'enqueue' && /restore|create-backup/.test(change.action),
  ),
});

const restore = ({ whole }: RestoreWorldRig, more = {}) =>
  restoreControlPlane(whole, aConfig(), { 'backup-id': id, confirm: 'kubeflow', ...more });

describe('a damaged set', () => {
  for (const [what, place] of objects)
    for (const [how, spoil] of Object.entries(ways)) {
      // A restore makes a new claim; see verify-set.test.ts.
      if (place.endsWith('ckf-backup.json') && how === 'is missing') continue;

      it(`is named, listed and not restored when ${what} ${how}`, async () => {
        const { rig, history } = world();
        using _rig = rig;
        const key = place === 'history' ? history : place;
        spoil(rig, key);
        const before = pictureOf(rig);

        const named = await failureOf(verifyBackup(rig.whole, aConfig(), { 'backup-id': id }));
        // Of a dump the manifest knows the size and the checksum, so that only reading it tells of
        // other bytes.
        const onlyDeep = place === dump && how.includes('same size');
        if (!onlyDeep) assert.ok(named !== undefined && told(named, place), named?.message);
        const deep = { 'backup-id': id, deep: true };
        const deeply = await failureOf(verifyBackup(rig.whole, aConfig(), deep));
        assert.ok(deeply !== undefined && told(deeply, place), deeply?.message);

        const { backups = '' } = await listBackups(rig.whole, aConfig(), { limit: 20 });
        if (place !== manifest) assert.match(backups, new RegExp(`^${id}  yes`, 'm'));
        else if (how !== 'is missing') assert.match(backups, new RegExp(`^${id}  unreadable`, 'm'));

        const refused = await failureOf(restore(rig));
        assert.ok(refused !== undefined && told(refused, place), refused?.message);
        assert.deepEqual(pictureOf(rig), before);
        assert.ok(rig.kubernetes.commands.every(({ command }) => command[0] === 'stat'));
      });
    }

  it('is restored in the parts of it that are intact', async () => {
    const { rig } = world();
    using _rig = rig;
    rig.target.bucket.remove(dump);
    const results = await restore(rig, { components: 'mlpipeline,katib-db' });
    assert.equal(results['restored'], 'katib-db,mlpipeline');
    assert.equal(rig.source.objects.size, 2);
  });

  it('is restored with allow-damaged in all but the objects that are lost, and that is a failure with their names', async () => {
    const { rig } = world();
    using _rig = rig;
    rig.target.bucket.remove('ckf/mlpipeline/artifacts/1');
    const failure = await failureOf(
      restore(rig, { components: 'mlpipeline,kfp-db', 'allow-damaged': true }),
    );
    assert.equal(failure?.code, 'set-damaged');
    assert.match(
      failure.message,
      /restored but 1 object whose backup is lost or damaged: artifacts\/1\./,
    );
    assert.equal(failure.results['mlpipeline-lost'], '1');
    assert.equal(failure.results['restored'], 'kfp-db,mlpipeline');
    assert.deepEqual([...rig.source.objects.keys()], ['pipelines/1']);
    assert.equal(rig.databases['kfp-db']?.restores.length, 1);
    const lost = rig.target.bucket.get(`ckf/sets/${id}/lost/mlpipeline.ndjson.gz`).bytes;
    assert.match(
      gunzipSync(lost).toString(),
      /^\{"key":"artifacts\/1","size":\d+,"etag":"\w+"\}\n$/,
    );
    assert.ok(failure.message.includes(`ckf/sets/${id}/lost/mlpipeline.ndjson.gz`));
  });

  it('is not restored with allow-damaged when more than objects is damaged', async () => {
    for (const key of [list, dump, `ckf/kfp-db/${mysqlBackupId}/data.1`, manifest]) {
      const { rig } = world();
      using _rig = rig;
      rig.target.bucket.remove(key);
      const before = pictureOf(rig);
      const refused = await failureOf(restore(rig, { 'allow-damaged': true }));
      assert.ok(refused !== undefined && told(refused, key), refused?.message);
      assert.deepEqual(pictureOf(rig), before);
    }
  });

  it('is not restored by a list that names other objects than were backed up', async () => {
    const { rig } = world();
    using _rig = rig;
    const text = gunzipSync(rig.target.bucket.get(list).bytes).toString();
    rig.target.seed(list, gzipSync(text.replace('artifacts/1', 'artifacts/2')));
    const before = pictureOf(rig);
    const refused = await failureOf(restore(rig));
    assert.equal(refused?.code, 'set-damaged');
    assert.match(rig.progress.notes.join('\n'), /is not the one that its manifest names/);
    assert.deepEqual(pictureOf(rig), before);
  });
});

/** Undefined when it succeeded. */
const failureOf = async (work: Promise<unknown>): Promise<CharmError | undefined> => {
  try {
    await work;
    return undefined;
  } catch (error) {
    assert.ok(error instanceof CharmError, String(error));
    return error;
  }
};

/** Whether a failure says of which part of the set it speaks. */
const told = ({ message }: CharmError, place: string): boolean => {
  const part =
    place === 'history'
      ? /mlpipeline: "pipelines\/1"/
      : place === manifest
        ? /manifest\.json|no backup set/
        : place === list
          ? /object list|mlpipeline\.ndjson/
          : place.startsWith('ckf/mlpipeline/')
            ? /mlpipeline: "artifacts\/1"/
            : place === dump
              ? /mlmd: .*dump\.gz/
              : place.endsWith('ckf-backup.json')
                ? /ckf-backup\.json/
                : new RegExp(`${place.split('/')[1] ?? ''}: .*${mysqlBackupId.slice(0, 10)}`);
  return part.test(message);
};
