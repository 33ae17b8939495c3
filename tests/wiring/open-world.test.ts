import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createRedaction } from '../../src/adapters/redaction.ts';
import { parseConfig } from '../../src/config/config.ts';
import type { FromThread } from '../../src/components/buckets/threads/messages.ts';
import { CharmError } from '../../src/errors.ts';
import { openWorld } from '../../src/wiring/open-world.ts';
import type { Databag, World } from '../../src/world.ts';
import { quickClock } from '../fakes/fast-clock.ts';
import { FakeHookTools } from '../fakes/hook-tools.ts';
import { FakeJournal } from '../fakes/journal.ts';
import { FakeProgress } from '../fakes/progress.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { createAuthority } from '../servers/network/certificates.ts';

const secretOf = (option: string): string => `secret:d3n8r2e5kg0c73fhvb${option}`;
const [account, retention, volumes, signing] = ['10', '11', '12', '13'].map(secretOf);
const deletingKey = 'a key that may delete';
const volumesKey = 'the key of the test, which nobody else has: 5f2c91';

describe('the world of an action', () => {
  let server: Server;
  /** What this server was asked, and by whom; it stands for S3, Kubernetes and Loki. */
  let asked: { readonly what: string; readonly by: string; readonly body: string }[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let url: string;
  let place: string;
  let tools: FakeHookTools;
  let stop: AbortController;
  const redaction = createRedaction();

  beforeEach(async () => {
    asked = [];
    answer = (_request, response) => void response.end('{"items":[]}');
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const { authorization: by = '' } = request.headers;
        asked.push({ what: `${request.method ?? ''} ${request.url ?? ''}`, by, body });
        answer(request, response);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    place = mkdtempSync(join(tmpdir(), 'wiring-'));
    tools = new FakeHookTools();
    stop = new AbortController();
    tools.credential = { server: url, ca: '', token: 'of Juju' };
    relate('s3-credentials:4', 's3-integrator', {
      ...{ bucket: 'backups', endpoint: url, 's3-uri-style': 'path', region: 'eu-west-2' },
      ...{ 'access-key': 'AK', 'secret-key': 'a key that may not delete' },
    });
    for (const [id, content] of [
      [account, { username: 'backup', password: 'a password' }],
      [retention, { 'access-key': 'RK', 'secret-key': deletingKey }],
      [volumes, { key: `${volumesKey}\n` }],
    ] as const)
      tools.secrets.set(id ?? '', { content, granted: true, grants: [] });
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(place, { recursive: true });
  });

  const relate = (id: string, application: string, remote: Databag, more: object = {}): void => {
    tools.relations.set(id, { application, remote, ours: {}, ...more });
  };
  const worldWith = (
    options: Readonly<Record<string, unknown>> = {},
    environment: Readonly<Record<string, string>> = {},
  ): World =>
    openWorld({
      environment: {
        ...{
          JUJU_UNIT_NAME: 'ckf-backup/0',
          JUJU_MODEL_NAME: 'kubeflow',
          JUJU_MODEL_UUID: 'uuid-1',
        },
        ...environment,
      },
      ...{ tools, redaction, config: parseConfig(options, 'ckf-backup'), clock: quickClock },
      ...{ journal: new FakeJournal(), progress: new FakeProgress(), signal: stop.signal },
      ...{ serviceAccount: place, host: 'boot-1', scratch: place, task: '7' },
    });
  const hides = (secret: string): boolean => !redaction.redact(`so ${secret} is`).includes(secret);

  it('knows its unit, its application and its model', () => {
    const { application, unit, model, task, host } = worldWith();
    assert.deepEqual(
      { application, unit, model, task, host },
      {
        ...{ application: 'ckf-backup', unit: 'ckf-backup/0', task: '7', host: 'boot-1' },
        model: { name: 'kubeflow', uuid: 'uuid-1' },
      },
    );
  });

  describe('writes to S3', () => {
    /** With which key, and to which bucket. */
    const probe = async (world: World, purpose?: 'retention'): Promise<string> => {
      const target = await world.openTarget(purpose);
      await using _store = target.store;
      asked.length = 0;
      await target.store.head('x').catch(() => undefined);
      const [{ what, by } = { what: '', by: '' }] = asked;
      return `${/Credential=([^/]+)\//.exec(by)?.[1] ?? ''} ${what}`;
    };

    it('where the relation says, unless options say something else', async () => {
      const { prefix, bucket, endpoint, application } = await worldWith().openTarget();
      assert.deepEqual(
        [prefix, bucket, endpoint, application],
        ['kubeflow', 'backups', url, 'ckf-backup'],
      );
      assert.equal(await probe(worldWith()), 'AK HEAD /backups/x');
      assert.equal(await probe(worldWith({ bucket: 'ours' })), 'AK HEAD /ours/x');
      assert.equal((await worldWith({ path: '/our/own/' }).openTarget()).prefix, 'our/own');
      Object.assign(tools.relations.get('s3-credentials:4')?.remote ?? {}, { path: 'theirs' });
      assert.equal((await worldWith().openTarget()).prefix, 'theirs');
      assert.equal((await worldWith({ path: 'ours' }).openTarget()).prefix, 'ours');
      assert.ok(hides('a key that may not delete'));
    });

    it('with the keys that may delete only to remove backups', async () => {
      const world = worldWith({ 'retention-credentials': retention });
      assert.equal(await probe(world), 'AK HEAD /backups/x');
      assert.equal(await probe(world, 'retention'), 'RK HEAD /backups/x');
      assert.equal(await probe(worldWith(), 'retention'), 'AK HEAD /backups/x');
    });

    it('and says whose keys are refused', async () => {
      answer = (_request, response) => void response.writeHead(403).end();
      const refused = async (world: World, purpose?: 'retention') => {
        const { store } = await world.openTarget(purpose);
        return (await rejectsWithCode(store.head('x'), 'store-denied')).message;
      };
      assert.match(await refused(worldWith()), /s3-integrator/);
      assert.match(
        await refused(worldWith({ 'retention-credentials': retention }), 'retention'),
        /retention-credentials/,
      );
    });

    it('and says what is missing', async () => {
      tools.relations.clear();
      const { message } = await rejectsWithCode(worldWith().openTarget(), 'relation-missing');
      assert.match(message, /Run: juju integrate ckf-backup:s3-credentials s3-integrator/);
      const source = await rejectsWithCode(
        worldWith().openSource('mlpipeline'),
        'relation-missing',
      );
      assert.match(source.message, /Run: juju integrate ckf-backup:object-storage minio/);
    });
  });

  const relateMinio = (port: string): void => {
    relate('object-storage:5', 'minio', {
      _supported_versions: '- v1\n',
      data: `access-key: minio\nnamespace: kubeflow\nport: ${port}\nsecret-key: of-minio-1\nsecure: false\nservice: minio\n`,
    });
  };

  it('reads a bucket of the MinIO that is related', async () => {
    const { port } = new URL(url);
    relateMinio(port);
    const source = await worldWith().openSource('mlpipeline');
    assert.equal(source.bucket, 'mlpipeline');
    assert.equal(source.endpoint, `http://minio.kubeflow:${port}`);
    assert.ok(hides('of-minio-1'));
    await source.store[Symbol.asyncDispose]();
  });

  it('starts threads that write where it writes itself, and end when they are told to', async () => {
    answer = (_request, response) => void response.writeHead(403).end();
    await rejectsWithCode(worldWith().startCopyThread(['mlpipeline']), 'relation-missing');
    relateMinio('9000');
    const thread = await worldWith().startCopyThread(['mlpipeline']);
    const ended = new Promise<void>((resolve) => {
      thread.onEnd(resolve);
    });
    const failed = new Promise<FromThread>((resolve) => {
      thread.onMessage((given) => {
        const message = given as FromThread;
        if (message.kind === 'may')
          thread.post({ kind: 'answer', question: message.question, isYes: true });
        else resolve(message);
      });
    });
    const how = { mirror: 'm/', history: 'h/', keepsTags: true, confirmListed: false };
    const object = { key: 'x', size: 1, etag: 'e', lastModified: new Date(0) };
    const job = { source: object, mirror: { ...object, key: 'm/x', size: 2 }, asks: 'all' };
    const pass = { kind: 'copy', ...how, archive: true, bucket: 'mlpipeline', timetable: [] };
    thread.post({ kind: 'begin', pass: 1, how: pass });
    thread.post({ kind: 'do', pass: 1, number: 1, job: { ...job, archived: false } });
    const message = await failed;
    assert.ok(message.kind === 'ended' && message.done === undefined);
    const [{ what, by } = { what: '', by: '' }] = asked;
    assert.match(`${by} ${what}`, /Credential=AK\/.* \w+ \/backups\/[hm]\/x/);
    await Promise.all([thread.end(), ended]);
  });

  describe('backs volumes up', () => {
    it('with the key, and tells the gateway where S3 is', async () => {
      writeFileSync(join(place, 'namespace'), 'kubeflow-of-juju\n');
      const options = { 'volumes-key': volumes, 'retention-credentials': retention };
      for (const [purpose, accessKey, secretKey] of [
        [undefined, 'AK', 'a key that may not delete'],
        ['retention', 'RK', deletingKey],
      ] as const) {
        await using access = await worldWith(options).openVolumes(purpose);
        assert.equal(access.key, volumesKey);
        assert.equal(access.cluster.namespace, 'kubeflow-of-juju');
        const { endpoint, region, style, bucket, prefix, ca, ...keys } = access.storage;
        assert.deepEqual(
          { endpoint, region, style, bucket, prefix, ca },
          {
            ...{ endpoint: url, region: 'eu-west-2', style: 'path', bucket: 'backups' },
            ...{ prefix: 'kubeflow', ca: '' },
          },
        );
        assert.deepEqual([keys.accessKey, keys.secretKey], [accessKey, secretKey]);
      }
      assert.ok(hides(volumesKey));
    });

    it('or says that there is no key', async () => {
      const { message } = await rejectsWithCode(worldWith().openVolumes(), 'volumes-off');
      assert.match(message, /openssl rand -hex 32 > volumes-key/);
    });
  });

  describe('asks Kubernetes', () => {
    it('with the token of Juju, or the one that is mounted, and in the model’s namespace', async () => {
      const list = async (): Promise<string> => {
        await using cluster = await worldWith().openCluster();
        await cluster.list('pods', { namespace: cluster.namespace });
        return `${asked.at(-1)?.what.split('?')[0] ?? ''} ${asked.at(-1)?.by ?? ''}`;
      };
      assert.equal(await list(), 'GET /api/v1/namespaces/kubeflow/pods Bearer of Juju');
      writeFileSync(join(place, 'token'), 'of the pod\n');
      assert.equal(await list(), 'GET /api/v1/namespaces/kubeflow/pods Bearer of the pod');
      tools.credential = undefined;
      const { message } = await rejectsWithCode(worldWith().openCluster(), 'kubernetes-denied');
      assert.match(message, /Run: juju trust ckf-backup --scope=cluster/);
    });

    it('also when it is asked to stop, to take away what it has made, and nothing else then', async () => {
      await using cluster = await worldWith().openCluster();
      await using kubernetes = await worldWith().openKubernetes();
      stop.abort(new CharmError('interrupted', 'The unit was asked to stop.'));
      assert.deepEqual(await cluster.list('pods'), []);
      await rejectsWithCode(kubernetes.pod('mlmd-0'), 'interrupted');
    });

    it('no longer than a hook can wait', async () => {
      answer = () => undefined;
      await using kubernetes = await worldWith().openKubernetes({ hurry: 30 });
      const { message } = await rejectsWithCode(kubernetes.pod('mlmd-0'), 'kubernetes-unreachable');
      assert.equal(message, 'The Kubernetes API did not answer within 0.03 s.');
    });
  });

  describe('asks the controller', () => {
    it('with the account of the option, and the certificate of its own agent', async () => {
      const environment = {
        JUJU_CHARM_DIR: join(place, 'charm'),
        JUJU_API_ADDRESSES: '127.0.0.1:1 127.0.0.1:2',
      };
      const open = (options: object) =>
        worldWith({ ...options }, environment).openJuju({ hurry: 200 });
      await rejectsWithCode(open({}), 'juju-credentials-missing');
      const { message } = await rejectsWithCode(
        open({ 'juju-credentials': account }),
        'juju-credentials-invalid',
      );
      assert.match(
        message,
        /^The certificate of the Juju controller could not be read from .*agent\.conf/,
      );
      mkdirSync(join(place, 'charm'));
      const { ca } = await createAuthority();
      writeFileSync(join(place, 'agent.conf'), JSON.stringify({ cacert: ca, apiaddresses: [] }));
      const away = await rejectsWithCode(open({ 'juju-credentials': account }), 'juju-unreachable');
      assert.match(away.message, /127\.0\.0\.1:1.*127\.0\.0\.1:2/);
      assert.ok(hides('a password'));
    });
  });

  describe('tells', () => {
    it('nobody when nobody is related or named', async () => {
      assert.equal(await worldWith().openRunLog(), undefined);
      assert.equal(await worldWith().openNotifier(), undefined);
      relate('logging:6', 'loki', {}, { remoteUnits: [{}] });
      assert.equal(await worldWith().openRunLog(), undefined, 'no Loki has said its address');
    });

    it('Loki what runs say, labelled as Canonical’s log forwarder does', async () => {
      const endpoint = JSON.stringify({ url: `${url}/loki/api/v1/push` });
      relate('logging:6', 'loki', {}, { remoteUnits: [{ endpoint }] });
      const log = await worldWith().openRunLog();
      await log?.send([{ at: new Date('2026-11-21T20:15:00Z'), text: 'one line' }]);
      const { what, body } = asked[0] ?? assert.fail();
      assert.equal(what, 'POST /loki/api/v1/push');
      const { streams } = JSON.parse(body) as { streams: { stream: object; values: string[][] }[] };
      const [{ stream, values }] = streams as [(typeof streams)[number]];
      assert.deepEqual(stream, {
        ...{ product: 'Juju', charm: 'ckf-backup', juju_model: 'kubeflow' },
        ...{ juju_model_uuid: 'uuid-1', juju_application: 'ckf-backup' },
        ...{ juju_unit: 'ckf-backup/0', job: 'juju_kubeflow_uuid-1_ckf-backup' },
      });
      assert.deepEqual(values, [['1795292100000000000', 'one line']]);
    });
  });

  it('hands paths to the databases that are related', async () => {
    const world = worldWith();
    assert.equal(await world.relatedDatabase('kfp-db'), undefined);
    assert.equal(await world.handedPath('kfp-db'), undefined);
    await world.handPath('kfp-db', 'ckf/kfp-db');
    relate('kfp-db:7', 'mysql-for-pipelines', {});
    assert.equal(await world.relatedDatabase('kfp-db'), 'mysql-for-pipelines');
    await world.handPath('kfp-db', 'ckf/kfp-db-2');
    assert.equal(await world.handedPath('kfp-db'), 'ckf/kfp-db-2');
  });

  it('has keys for signatures when the option names some', async () => {
    assert.equal(await worldWith().openSigningKeys(), undefined);
    await rejectsWithCode(
      worldWith({ 'signing-key': signing }).openSigningKeys(),
      'secret-unreadable',
    );
  });
});
