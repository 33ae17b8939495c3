import { readManifest } from '../../src/repository/stored-manifest.ts';
import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { backupIdAt, layoutOf } from '../../src/repository/layout.ts';
import { runBackup } from '../../src/backup/run-backup.ts';
import { CharmError } from '../../src/errors.ts';
import type { World } from '../../src/world.ts';
import { aBackupWorld, type BackupWorldRig } from '../rigs/backup-world.ts';
import { aConfig } from '../rigs/config.ts';
import { anMlmdVolume } from '../rigs/mlmd-volume.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { intercept } from '../rigs/intercept.ts';

const request = { allowRunning: false, allowShrink: false, takeOver: false, timeoutSeconds: 600 };
const layout = layoutOf('ckf');

const openRig = (backups: Parameters<typeof aBackupWorld>[0] = {}): BackupWorldRig => {
  const volume = anMlmdVolume();
  const rig = aBackupWorld(backups);
  rig.kubernetes.onExec = volume.run;
  return {
    ...rig,
    [Symbol.dispose]: () => {
      rig[Symbol.dispose]();
      volume[Symbol.dispose]();
    },
  };
};

const keysOf = ({ target }: BackupWorldRig): string[] => [...target.objects.keys()];

const assertAsBefore = ({ model, journal }: BackupWorldRig): void => {
  const scales = Object.values(model.state.applications).map(({ name, scale, units }) => [
    name,
    scale,
    units.length,
  ]);
  assert.deepEqual(scales, [
    ['kfp-db', 1, 1],
    ['katib-db', 1, 1],
    ['mlmd', 1, 1],
    ['kfp-metadata-writer', 1, 1],
  ]);
  assert.equal(journal.kept.size, 0);
};

const assertNoSet = (rig: BackupWorldRig): void => {
  assert.deepEqual(
    keysOf(rig).filter((key) => key.endsWith('manifest.json')),
    [],
  );
};

/** A scripted database writes nothing to S3, so what it would write is put there for it. */
const seedDatabases = ({ target }: BackupWorldRig): void => {
  for (const path of ['ckf/kfp-db', 'ckf/katib-db'])
    target.seed(`${path}/2026-11-21T20:15:10Z.md5`, 'x');
};

describe('the story of a backup', () => {
  it('lays a page next to its set, and makes the set without one when it cannot', async () => {
    using rig = openRig();
    seedDatabases(rig);
    const { manifest } = await runBackup(rig.whole, aConfig(), request);
    const page = await rig.target.read(`ckf/sets/${manifest.id}/index.html`);
    assert.match(page.toString(), /<h1>Backup 20/);

    using unlucky = openRig();
    seedDatabases(unlucky);
    const put = unlucky.target.put.bind(unlucky.target);
    unlucky.target.put = async (...[key, body, options]: Parameters<typeof put>) => {
      if (key.endsWith('.html')) throw new CharmError('store-denied', 'No pages.');
      return put(key, body, options);
    };
    const made = await runBackup(unlucky.whole, aConfig(), request);
    assert.ok(keysOf(unlucky).includes(`ckf/sets/${made.manifest.id}/manifest.json`));
    assert.ok(unlucky.progress.notes.some((note) => /page of the backup .* No pages/.test(note)));
  });

  it('ends with a set of all four components, and everything as it was', async () => {
    using rig = openRig();
    seedDatabases(rig);
    const { manifest, location } = await runBackup(rig.whole, aConfig(), request);
    assert.equal(location, `s3://backups/ckf/sets/${manifest.id}/`);
    assert.deepEqual(
      await readManifest(rig.target, `ckf/sets/${manifest.id}/manifest.json`),
      manifest,
    );
    assert.equal(manifest.consistent, true);
    assert.deepEqual(
      manifest.databases.map(({ component, path }) => [component, path]),
      [
        ['kfp-db', 'ckf/kfp-db'],
        ['katib-db', 'ckf/katib-db'],
      ],
    );
    assert.deepEqual(manifest.mlmd?.rows, { MLMDEnv: 1, Artifact: 2 });
    assert.equal(manifest.buckets[0]?.objects, 1);
    const { tags, keys, versions, objectLock } = manifest.server ?? {};
    assert.deepEqual([tags, keys, versions, objectLock], ['kept', 'any', 'replaced', 'off']);
    assert.equal((await rig.target.read('ckf/mlpipeline/pipelines/1')).toString(), 'a pipeline');
    const list = gunzipSync(await rig.target.read(manifest.buckets[0].list.key)).toString();
    assert.match(list, /"key":"pipelines\/1"/);
    assertAsBefore(rig);
    assert.equal((await rig.journal.lastBackup())?.id, manifest.id);
    assert.ok(!keysOf(rig).some((key) => key.startsWith(layout.locks)));
  });

  it('keeps the expected time of a restore when it copied too little to tell it', async () => {
    using rig = openRig();
    rig.source.seed('models/large', 'x'.repeat(2 << 20));
    const config = aConfig({ components: ['mlpipeline'] });
    await runBackup(rig.whole, config, request);
    await rig.journal.setLastBackup({
      ...(await rig.journal.lastBackup())!,
      restoreSeconds: 32,
    });
    const { manifest } = await runBackup(rig.whole, config, request);
    const last = await rig.journal.lastBackup();
    assert.deepEqual([last?.id, last?.restoreSeconds], [manifest.id, 32]);
  });

  describe('of databases with an S3 storage of their own', () => {
    const withoutRelation = (rig: BackupWorldRig): World => ({
      ...rig.whole,
      relatedDatabase: async () => undefined,
    });

    it('backs up one after the other', async () => {
      using rig = openRig({ katib: ['2026-11-20T20:15:00Z'] });
      let alone = true;
      rig.model.onChange(() => {
        const busy = ['kfp-db', 'katib-db'].filter((name) =>
          rig.model
            .application(name)
            .units.some(({ agent }) => /create-backup/.test(agent.message)),
        );
        alone &&= busy.length < 2;
      });
      const { manifest } = await runBackup(withoutRelation(rig), aConfig(), request);
      assert.ok(alone);
      assert.deepEqual(
        manifest.databases.map(({ component, path }) => [component, path]),
        [
          ['kfp-db', undefined],
          ['katib-db', undefined],
        ],
      );
    });

    /** Relates each database to an s3-integrator with these options. */
    const addIntegrator = (
      rig: BackupWorldRig,
      options: Readonly<Record<string, string>>,
    ): void => {
      rig.model.addApplication({ name: 'other-s3', charm: 's3-integrator' });
      rig.model.application('other-s3').options = options;
      for (const name of ['kfp-db', 'katib-db'])
        rig.model.addRelation('s3', 'other-s3:s3-credentials', `${name}:s3-parameters`);
    };
    const otherIds = { katib: ['2026-11-20T20:15:00Z'] };

    it('records where that is, as the options of their s3-integrator say', async () => {
      using rig = openRig(otherIds);
      addIntegrator(rig, {
        ...{ bucket: 'own', endpoint: 'https://s3.example.com:9000/', path: '/kubeflow/' },
        ...{ region: '', 'access-key': 'hush', 's3-uri-style': 'path' },
      });
      const { manifest } = await runBackup(withoutRelation(rig), aConfig(), request);
      const location = {
        ...{ endpoint: 'https://s3.example.com:9000', bucket: 'own', path: 'kubeflow' },
      };
      assert.deepEqual(
        manifest.databases.map((database) => database.location),
        [location, location],
      );
      const page = (await rig.target.read(layout.setPage(manifest.id))).toString();
      assert.ok(page.includes('kfp-db: s3://own/kubeflow at https://s3.example.com:9000'));
      assert.ok(!rig.progress.notes.join('\n').includes('location unknown'));
      const stored = [...rig.target.objects.values()].map(({ bytes }) => bytes.toString());
      assert.ok(stored.every((text) => !text.includes('hush')));
    });

    it('records what an operator says of those whose options say nothing, and warns of the others', async () => {
      using rig = openRig(otherIds);
      addIntegrator(rig, { bucket: '', endpoint: 'https://s3.example.com' });
      const location = { endpoint: 'https://s3.example.com', bucket: 'own', region: 'eu-west-1' };
      const config = aConfig({ databaseLocations: { 'kfp-db': location } });
      const { manifest } = await runBackup(withoutRelation(rig), config, request);
      assert.deepEqual(
        manifest.databases.map((database) => database.location),
        [location, undefined],
      );
      const warnings = rig.progress.notes.filter((note) => note.includes('location unknown'));
      assert.equal(warnings.length, 1);
      assert.match(
        warnings[0]!,
        /^Warning: katib-db: location unknown\. .*juju config ckf-backup database-locations=katib-db=https:/,
      );
      const page = (await rig.target.read(layout.setPage(manifest.id))).toString();
      assert.ok(page.includes('kfp-db: s3://own at https://s3.example.com (region eu-west-1)'));
      assert.ok(page.includes('katib-db: location unknown'));
    });

    it('makes no set of two that share one path, because one could be restored with the rows of the other', async () => {
      const shared: string[] = [];
      for (const backups of [{ kfp: shared, katib: shared }, {}]) {
        using rig = openRig(backups);
        const { message } = await rejectsWithCode(
          runBackup(withoutRelation(rig), aConfig(), request),
          'database-backup-failed',
        );
        assert.match(message, /kfp-db and katib-db write their backups to one path in S3/);
        assertNoSet(rig);
        assertAsBefore(rig);
      }
    });
  });

  it('stops the metadata writer for the dump only', async () => {
    using rig = openRig();
    seedDatabases(rig);
    const run = rig.kubernetes.onExec;
    let unitsDuringDump: number | undefined;
    rig.kubernetes.onExec = async (command) => {
      unitsDuringDump = rig.model.application('kfp-metadata-writer').units.length;
      return run(command);
    };
    await runBackup(rig.whole, aConfig(), request);
    assert.equal(unitsDuringDump, 0);
  });

  it('lets the metadata writer run again once the snapshot is taken, before the dump is sent', async () => {
    using rig = openRig();
    seedDatabases(rig);
    let scaleAtUpload: number | undefined;
    const upload = rig.target.upload.bind(rig.target);
    rig.target.upload = async (...argv: Parameters<typeof upload>) => {
      if (argv[0].startsWith('ckf/mlmd/')) scaleAtUpload = rig.model.application('kfp-metadata-writer').scale; // prettier-ignore
      return upload(...argv);
    };
    await runBackup(rig.whole, aConfig(), request);
    assert.equal(scaleAtUpload, 1);
  });

  it('asks for second units while it copies ahead, and dumps ML Metadata while databases are backed up', async () => {
    using rig = openRig();
    seedDatabases(rig);
    const { manifest } = await runBackup(rig.whole, aConfig(), request);
    const timeline = manifest.timeline ?? [];
    const chapters = timeline.map(({ chapter }) => chapter);
    for (const chapter of [
      ...['pre-copy of mlpipeline', 'second unit of kfp-db', 'second unit of katib-db'],
      ...['create-backup of kfp-db', 'create-backup of katib-db', 'dump of mlmd'],
      ...['kfp-metadata-writer stops', 'kfp-metadata-writer is down', 'changes of mlpipeline'],
    ])
      assert.equal(chapters.filter((name) => name === chapter).length, 1, chapter);
    const of = (name: string) => {
      const found = timeline.find(({ chapter }) => chapter === name);
      assert.ok(found);
      const began = Date.parse(found.began);
      return { began, ended: began + found.seconds * 1000 };
    };
    assert.equal(of('second unit of kfp-db').began, of('pre-copy of mlpipeline').began);
    assert.equal(of('kfp-metadata-writer stops').began, of('create-backup of kfp-db').began);
    assert.ok(of('changes of mlpipeline').began >= of('create-backup of katib-db').ended);
    assert.ok(rig.progress.notes.some((note) => note.startsWith('Timeline, ')));
    assert.ok(rig.progress.notes.some((note) => /^kfp-metadata-writer: was down for /.test(note)));
  });

  it('takes a second unit away again that came while the copy ahead failed', async () => {
    using rig = openRig();
    seedDatabases(rig);
    rig.source.failNext('get', new CharmError('store-refused', 'InternalError'), 20);
    await rejectsWithCode(runBackup(rig.whole, aConfig(), request), 'objects-failed');
    assertAsBefore(rig);
  });

  it('announces no step for what is not backed up', async () => {
    using rig = openRig();
    await runBackup(rig.whole, aConfig({ components: ['mlpipeline'] }), request);
    const steps = rig.progress.steps.join('\n');
    assert.doesNotMatch(steps, /database|ML Metadata/);
    assert.match(steps, /copying what changed/);
  });

  it('ends when an operator names its task in the option stop-running, and puts everything back', async () => {
    using rig = openRig();
    seedDatabases(rig);
    rig.model.addApplication({ name: 'ckf-backup', charm: 'ckf-backup' });
    rig.databases.kfp.states.set('kfp-db/1', 'recovering');
    const { 'ckf-backup': ours } = rig.model.state.applications;
    ours!.options = { 'stop-running': rig.whole.task ?? '' };
    await rejectsWithCode(runBackup(rig.whole, aConfig(), request), 'stopped');
    Reflect.deleteProperty(rig.model.state.applications, 'ckf-backup');
    assertNoSet(rig);
    assertAsBefore(rig);
  });

  it('says that it failed because its own application is being removed', async () => {
    using rig = openRig();
    seedDatabases(rig);
    rig.model.addApplication({ name: 'ckf-backup', charm: 'ckf-backup' });
    rig.databases.katib.failure = 'Missing relation with S3 integrator charm';
    rig.model.onChange(() => {
      const { applications } = rig.model.state;
      if (rig.databases.kfp.backups.length > 0) applications['ckf-backup']!.life = 'dying';
    });
    const { message } = await rejectsWithCode(
      runBackup(rig.whole, aConfig(), request),
      'interrupted',
    );
    assert.match(message, /^ckf-backup is being removed from the model, .* Missing relation/);
    assert.ok(message.length <= 400, `${message.length} characters`);
  });

  it('copies in the second pass what came while the databases were backed up', async () => {
    using rig = openRig();
    seedDatabases(rig);
    rig.model.onChange(() => {
      if (rig.databases.kfp.backups.length === 1) rig.source.seed('artifacts/late', 'late');
    });
    const { manifest } = await runBackup(rig.whole, aConfig(), request);
    assert.equal(manifest.buckets[0]?.objects, 2);
    assert.ok(rig.target.objects.has('ckf/mlpipeline/artifacts/late'));
    assert.equal(manifest.consistent, false);
    assert.deepEqual(manifest.running, [
      'Bucket mlpipeline (1 object written during the backup: artifacts/late)',
    ]);
  });

  it('says that a set is not consistent when something started meanwhile', async () => {
    using rig = openRig();
    seedDatabases(rig);
    rig.model.onChange(() => {
      if (rig.databases.kfp.backups.length === 1 && rig.kubernetes.commands.length === 0)
        rig.kubernetes.addResources(
          { groupVersion: 'argoproj.io/v1alpha1', plural: 'workflows' },
          { namespace: 'alice', name: 'train', status: { phase: 'Running' } },
        );
    });
    const { manifest } = await runBackup(rig.whole, aConfig(), request);
    assert.equal(manifest.consistent, false);
    assert.deepEqual(manifest.running, ['Workflow alice/train (Running)']);
  });

  it('keeps what an earlier set needs when an object was replaced', async () => {
    using rig = openRig();
    seedDatabases(rig);
    const config = aConfig({ components: ['mlpipeline'] });
    const first = await runBackup(rig.whole, config, request);
    await rig.clock.sleep(60_000);
    rig.source.seed('pipelines/1', 'A PIPELINE');
    const second = await runBackup(rig.whole, config, request);
    assert.equal(second.manifest.buckets[0]?.archived, 1);
    assert.notEqual(first.manifest.id, second.manifest.id);
    assert.equal((await rig.target.read('ckf/mlpipeline/pipelines/1')).toString(), 'A PIPELINE');
    const kept = keysOf(rig).find((key) => key.startsWith('ckf/history/mlpipeline/pipelines/1/'));
    assert.equal((await rig.target.read(kept!)).toString(), 'a pipeline');
  });

  it('removes what a backup left that died, and nothing of it stays', async () => {
    using rig = openRig();
    seedDatabases(rig);
    const dead = backupIdAt(new Date(rig.clock.now().getTime() - 3600_000));
    rig.target.seed(layout.started(dead), '{}');
    for (const key of [layout.mlmdDump(dead), layout.objectList(dead, 'mlpipeline')])
      rig.target.seed(key, 'half');
    const { manifest } = await runBackup(rig.whole, aConfig(), request);
    const kept = keysOf(rig).filter((key) => /^ckf\/(sets|mlmd)\//.test(key));
    assert.deepEqual(kept, [
      manifest.mlmd?.key,
      layout.setPage(manifest.id),
      layout.manifest(manifest.id),
      manifest.buckets[0]?.list.key,
    ]);
  });

  it('takes away what databases made for it when it fails later, and the mark tells of them until then', async () => {
    using rig = openRig();
    seedDatabases(rig);
    const marks: string[] = [];
    const put = rig.target.put.bind(rig.target);
    const spied: typeof rig.target.put = async (key, body, options) => {
      if (key.endsWith('/started.json')) marks.push(typeof body === 'string' ? body : '');
      return put(key, body, options);
    };
    Object.assign(rig.target, { put: spied });
    rig.target.failNext('upload', new CharmError('store-denied', 'No.'));
    await rejectsWithCode(runBackup(rig.whole, aConfig(), request), 'store-denied');
    assert.deepEqual(
      keysOf(rig).filter((key) => !key.startsWith('ckf/mlpipeline/')),
      [layout.claim],
    );
    const { databases, scales } = JSON.parse(marks.at(-1)!) as Readonly<Record<string, unknown[]>>;
    assert.equal(databases?.length, 2);
    assert.deepEqual(scales, [
      { application: 'kfp-db', scale: 1, changedTo: 2 },
      { application: 'katib-db', scale: 1, changedTo: 2 },
      { application: 'kfp-metadata-writer', scale: 1, changedTo: 0 },
    ]);
  });

  it('is a success although the journal had no room for the last line of the status', async () => {
    using rig = openRig();
    seedDatabases(rig);
    rig.journal.setLastBackup = () => Promise.reject(new CharmError('disk-full', 'It is full.'));
    const { manifest } = await runBackup(rig.whole, aConfig(), request);
    assert.ok(keysOf(rig).includes(layout.manifest(manifest.id)));
    assertAsBefore(rig);
  });

  it('goes on when what a dead backup left cannot be removed', async () => {
    using rig = openRig();
    seedDatabases(rig);
    rig.target.seed(layout.started(backupIdAt(new Date(0))), '{}');
    intercept(rig.target, 'delete', (remove) => async (keys) => {
      if (keys.some((key) => key.includes('1970')))
        throw new CharmError('store-denied', 'Deleting is not allowed.');
      await remove(keys);
    });
    const { manifest } = await runBackup(rig.whole, aConfig(), request);
    assert.ok(keysOf(rig).includes(layout.manifest(manifest.id)));
  });

  const failures: readonly [string, string, (rig: BackupWorldRig) => void][] = [
    [
      'one of the databases fails',
      'database-backup-failed',
      (rig) => {
        rig.databases.katib.failure = 'Error backing up the database';
      },
    ],
    [
      'a second database unit never comes',
      'scale-timed-out',
      ({ model }) => {
        model.change(({ applications }) => {
          applications['kfp-db']!.scheduling = 'pending';
        });
      },
    ],
    [
      'the database of ML Metadata is corrupt',
      'mlmd-corrupt',
      (rig) => {
        rig.kubernetes.onExec = () => ({
          exitCode: 10,
          stderr: 'error corrupt row 7 missing from index\n',
        });
      },
    ],
    [
      'an object cannot be read',
      'objects-failed',
      (rig) => {
        rig.source.failNext('get', new CharmError('store-refused', 'InternalError'), 20);
      },
    ],
    ['the source is empty', 'source-shrunk', (rig) => void rig.source.delete(['pipelines/1'])],
    [
      'S3 fails when the object list is written',
      'store-unreachable',
      (rig) => {
        rig.model.onChange(() => {
          if (rig.kubernetes.commands.length === 2)
            rig.target.failNext('upload', new CharmError('store-unreachable', 'S3 is away.'));
        });
      },
    ],
    [
      'the databases write somewhere else than they were told',
      'database-backup-failed',
      ({ target }) => void target.delete(['ckf/kfp-db/2026-11-21T20:15:10Z.md5']),
    ],
  ];
  for (const [what, code, arrange] of failures)
    it(`leaves no set and puts everything back when ${what}`, async () => {
      using rig = openRig();
      seedDatabases(rig);
      arrange(rig);
      await rejectsWithCode(runBackup(rig.whole, aConfig(), request), code as CharmError['code']);
      rig.model.change(({ applications }) => {
        applications['kfp-db']!.scheduling = 'normal';
      });
      assertNoSet(rig);
      assert.deepEqual(
        keysOf(rig).filter((key) => key.startsWith('ckf/mlmd/') || key.endsWith('.ndjson.gz')),
        [],
      );
      assert.ok(!keysOf(rig).some((key) => key.startsWith(layout.locks)));
      assertAsBefore(rig);
    });

  for (const [what, arrives] of [
    ['and had stored it', true],
    ['and had not stored it', false],
  ] as const)
    it(`takes nothing away when S3 went silent while the manifest was sent ${what}`, async () => {
      using rig = openRig();
      seedDatabases(rig);
      const silent = new CharmError('store-unreachable', 'S3 is away.');
      const putBack = intercept(
        rig.target,
        'put',
        (put) =>
          async (...argv: Parameters<typeof put>) => {
            if (!argv[0].endsWith('manifest.json')) return put(...argv);
            if (arrives) await put(...argv);
            for (const method of ['read', 'head', 'delete'] as const)
              rig.target.failNext(method, silent, 2);
            throw silent;
          },
      );
      const { message } = await rejectsWithCode(
        runBackup(rig.whole, aConfig(), request),
        'store-unreachable',
      );
      assert.match(message, /not known whether/);
      const kept = keysOf(rig).filter((key) => /^ckf\/(sets|mlmd)\//.test(key));
      assert.equal(kept.length, arrives ? 4 : 3, kept.join());
      assertAsBefore(rig);
      putBack();
      await rig.clock.sleep(60_000);
      await runBackup(rig.whole, aConfig({ components: ['mlmd', 'mlpipeline'] }), request);
      assert.equal(
        keysOf(rig).filter((key) => key.startsWith('ckf/mlmd/')).length,
        arrives ? 2 : 1,
      );
    });

  it('is a success when only the reply about the manifest was lost', async () => {
    using rig = openRig();
    seedDatabases(rig);
    intercept(rig.target, 'put', (put) => async (...argv: Parameters<typeof put>) => {
      const stored = await put(...argv);
      if (argv[0].endsWith('manifest.json')) throw new CharmError('store-unreachable', 'Away.');
      return stored;
    });
    const { manifest } = await runBackup(rig.whole, aConfig(), request);
    assert.ok(keysOf(rig).includes(layout.manifest(manifest.id)));
  });

  it('writes no manifest when another operation has taken the path meanwhile', async () => {
    using rig = openRig();
    seedDatabases(rig);
    rig.model.onChange(() => {
      if (rig.databases.kfp.backups.length === 1)
        rig.target.seed(
          layout.oldLock,
          JSON.stringify({
            modelUuid: 'x',
            unit: 'y/0',
            nonce: 'z',
            expires: '2099-01-01T00:00:00Z',
          }),
        );
    });
    await rejectsWithCode(runBackup(rig.whole, aConfig(), request), 'backup-running');
    assertNoSet(rig);
    assertAsBefore(rig);
  });

  it('tells that the set is complete when a scale could not be put back, and how to do it by hand', async () => {
    using rig = openRig();
    seedDatabases(rig);
    const { scheduling } = rig.model.application('kfp-db');
    assert.equal(scheduling, 'normal');
    const openJuju = async () => {
      const juju = await rig.whole.openJuju();
      const scale: typeof juju.scale = async (application, units) => {
        if (application === 'kfp-db' && units === 1)
          throw new CharmError('juju-refused', 'changes are disabled.');
        await juju.scale(application, units);
      };
      return { ...juju, scale };
    };
    const { message } = await rejectsWithCode(
      runBackup({ ...rig.whole, openJuju }, aConfig(), request),
      'scale-refused',
    );
    assert.match(message, /juju scale-application kfp-db 1/);
    assert.match(message, /is complete/);
    assert.deepEqual([...rig.journal.kept.keys()], ['kfp-db']);
    assert.equal(keysOf(rig).filter((key) => key.endsWith('manifest.json')).length, 1);
  });
});
