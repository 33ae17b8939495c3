import assert from 'node:assert/strict';
import type { Config } from '../../src/config/config.ts';
import { preflight } from '../../src/backup/preflight.ts';
import type { CharmError, ErrorCode } from '../../src/errors.ts';
import type { World } from '../../src/world.ts';
import { aBackupWorld, type BackupWorldRig } from '../rigs/backup-world.ts';
import { aConfig } from '../rigs/config.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

const request = { allowRunning: false, allowShrink: false, takeOver: false, timeoutSeconds: 60 };

/** The problem that a backup by an application called `backup` finds. */
const problemOf = async (
  { whole }: BackupWorldRig,
  code: ErrorCode,
  config: Partial<Config> = {},
  relatedDatabase: World['relatedDatabase'] = (endpoint) => whole.relatedDatabase(endpoint),
): Promise<CharmError> =>
  rejectsWithCode(
    preflight({ ...whole, application: 'backup', relatedDatabase }, aConfig(config), request),
    code,
  );

const unrelated = async (): Promise<undefined> => undefined;

describe('what the preflight tells an operator to do', () => {
  it('names the option that the name of ML Metadata’s application came from', async () => {
    using rig = aBackupWorld();
    const { message } = await problemOf(rig, 'application-missing', {
      mlmdApplication: 'metadata',
    });
    assert.match(message, /no application metadata .* juju config backup mlmd-application=/);
    assert.match(message, /without it: juju config backup components=kfp-db,katib-db,mlpipeline$/);
  });

  it('names the option of the metadata writer, and how to say that there is none', async () => {
    using rig = aBackupWorld();
    const { message } = await problemOf(rig, 'application-missing', {
      metadataWriterApplication: 'writer',
    });
    assert.match(message, /juju config backup metadata-writer-application=<application>/);
    assert.match(message, /If there is none: juju config backup metadata-writer-application=''$/);
    assert.doesNotMatch(message, /components=/);
  });

  it('says how to relate a database whose application has another name', async () => {
    using rig = aBackupWorld();
    rig.model.change(({ applications }) => {
      Reflect.deleteProperty(applications, 'kfp-db');
    });
    const { message } = await problemOf(rig, 'application-missing', {}, unrelated);
    assert.match(message, /juju integrate backup:kfp-db <database>:s3-parameters/);
  });

  it('asks for the relation when a database that has none cannot reach S3', async () => {
    using rig = aBackupWorld();
    rig.databases.katib.listingFailure = 'Missing relation with S3 integrator charm';
    const { message } = await problemOf(rig, 'relation-missing', {}, unrelated);
    assert.match(message, /Run: juju integrate backup:katib-db katib-db:s3-parameters$/);
  });

  it('says where to look when a related database cannot reach S3', async () => {
    using rig = aBackupWorld();
    rig.databases.katib.listingFailure = 'Failed to retrieve backup';
    const { message } = await problemOf(rig, 'database-store-unreachable');
    assert.match(message, /see juju debug-log --include katib-db\/0\.$/);
  });

  it('says at which endpoint a database gets a path of its own', async () => {
    using rig = aBackupWorld();
    const claimed = 'S3 repository claimed by another cluster';
    rig.model.setApplicationStatus('katib-db', 'blocked', claimed);
    const { message } = await problemOf(rig, 'database-claimed', {}, unrelated);
    assert.match(message, /then juju integrate backup:katib-db katib-db:s3-parameters$/);
  });

  it('speaks of our own option when the path belongs to another model', async () => {
    using rig = aBackupWorld();
    const claim = { format: 1, model: { name: 'staging', uuid: 'other' }, generations: {} };
    rig.target.seed('ckf/ckf-backup.json', JSON.stringify(claim));
    const { whole } = rig;
    const world = {
      ...whole,
      openTarget: async () => ({ ...(await whole.openTarget()), application: 'backup' }),
    };
    const { message } = await problemOf({ ...rig, whole: world }, 'prefix-claimed');
    assert.match(message, /juju config backup path=/);
  });
});
