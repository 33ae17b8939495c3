import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryPassword } from '../../src/volumes/restic/keys.ts';
import { needsVolumeTools } from '../rigs/needs.ts';
import { tree } from '../rigs/tree.ts';
import { resticByHand } from '../rigs/restic.ts';
import { assertEnded, boxWithVolumes, ours, wordsOf } from '../rigs/volumes.ts';
import { letsOthersIn } from '../servers/kubernetes/workload-pod.ts';
import { volumeTool } from '../sandbox/box/volume-tools.ts';
import { addClaim, volumesKey } from '../sandbox/box/volumes.ts';

const home = 'alice/lab-workspace';

/** What changes all the while, and what is not backed up, as no socket is. */
const isStill = (path: string): boolean =>
  /^\/(notes\.log|\.cache|lost\+found|kernel\.sock)/.test(path);

const attributeOf = (file: string): string =>
  execFileSync(
    'python3',
    ['-c', 'import os,sys; print(os.getxattr(sys.argv[1], "user.origin").decode())', file],
    { encoding: 'utf8' },
  ).trim();

describe("users' volumes", () => {
  const opened = boxWithVolumes();
  before(async function () {
    await needsVolumeTools(this);
  });
  afterEach(() => {
    assert.deepEqual(ours(opened().volumes), [], 'nothing of ours is left in the cluster');
  });

  const run = async (action: string, parameters: Readonly<Record<string, unknown>> = {}) =>
    opened().box.run(action, parameters);
  const succeeds = async (action: string, parameters: Readonly<Record<string, unknown>> = {}) => {
    const { status, message, results } = await run(action, parameters);
    assert.equal(status, 'completed', message);
    return results;
  };
  const fails = async (
    action: string,
    parameters: Readonly<Record<string, unknown>>,
    code: string,
  ): Promise<string> => {
    const { status, message, results } = await run(action, parameters);
    assert.equal(status, 'failed');
    assert.equal(results['error-code'], code, message);
    assert.match(message, new RegExp(`\\[${code}\\]`));
    return message;
  };

  it('are listed with who uses them', async () => {
    const { volumes } = await succeeds('list-volumes', { namespace: 'alice' });
    assert.match(
      String(volumes),
      /^alice\/lab-workspace +5Gi +ReadWriteOnce +lab-0 +never +covered$/m,
    );
    assert.doesNotMatch(String(volumes), /bob/);
  });

  it('are backed up while they are written to, those of all three users', async () => {
    const results = await succeeds('backup-volumes');
    assert.equal(results['phase'], 'Succeeded');
    assert.equal(results['succeeded'], '3');
    const { backups } = await succeeds('list-volume-backups', { volume: home, limit: 5 });
    assert.match(
      String(backups),
      new RegExp(`^${String(results['session'])} .* yes +yes +-$`, 'm'),
    );
  });

  it('add next to nothing when they are backed up again', async () => {
    const results = await succeeds('backup-volumes', { volumes: 'carol/*' });
    assert.equal(results['succeeded'], '1');
    assert.match(String(results['bytes-added']), /^\d+(\.\d)? (B|KiB)$/);
  });

  it('get no key of the bucket and not the volumes-key into a user’s namespace', () => {
    const { box, volumes } = opened();
    const { accessKey, secretKey } = box.stores.backups;
    const users = volumes.workloads.made.filter(({ metadata }) =>
      ['alice', 'bob', 'carol'].includes(metadata.namespace ?? ''),
    );
    assert.ok(users.some(({ kind }) => kind === 'Secret'));
    for (const object of users)
      for (const secret of [accessKey, secretKey, volumesKey])
        assert.ok(!wordsOf(object).includes(secret), `${object.kind} ${object.metadata.name}`);
  });

  it('come back as they were after they were destroyed', async () => {
    const { volumes } = opened();
    const before = tree(volumes.at('bob/data'), () => false);
    rmSync(volumes.at('bob/data'), { recursive: true });
    volumes.workloads.store.remove('persistentvolumeclaims', 'bob', 'data');
    await fails('restore-volume', { volume: 'bob/data' }, 'volume-missing');
    const results = await succeeds('restore-volume', { volume: 'bob/data', create: true });
    assert.equal(results['new-claim'], 'true');
    assert.deepEqual(
      tree(volumes.at('bob/data'), () => false),
      before,
    );
  });

  it('come back in place, after what was there had been backed up', async () => {
    const { volumes } = opened();
    const directory = volumes.at('bob/data');
    const before = tree(directory, () => false);
    writeFileSync(join(directory, 'part-0/row-0'), 'spoiled');
    writeFileSync(join(directory, 'extra'), 'made since');
    const dryRun = await succeeds('restore-volume', { volume: 'bob/data', 'dry-run': true });
    assert.equal(dryRun['overwrites'], 'true');
    await fails('restore-volume', { volume: 'bob/data' }, 'parameter-invalid');
    const results = await succeeds('restore-volume', {
      ...{ volume: 'bob/data', confirm: 'bob/data', 'delete-extra': true },
    });
    assert.deepEqual(
      tree(directory, () => false),
      before,
    );
    const undone = await succeeds('restore-volume', {
      ...{ volume: 'bob/data', confirm: 'bob/data', backup: results['safety-backup'] },
    });
    assert.equal(readFileSync(join(directory, 'extra'), 'utf8'), 'made since');
    assert.equal(undone['backup'], results['safety-backup']);
  });

  it('come back while a notebook runs, and never over it', async () => {
    const { volumes } = opened();
    const message = await fails(
      ...(['restore-volume', { volume: home, confirm: home }, 'volume-in-use'] as const),
    );
    assert.match(message, /lab-0/);
    const { folder } = await succeeds('restore-volume', { volume: home, into: 'back/monday' });
    const back = join(volumes.at(home), String(folder));
    const original = tree(volumes.at(home), (path) => isStill(path) || path.startsWith('/back'));
    assert.deepEqual(tree(back, isStill), original);
    for (const name of ['.cache', 'kernel.sock']) assert.ok(!existsSync(join(back, name)), name);
    assert.equal(attributeOf(join(back, 'secret')), 'lab');
    assert.ok(lstatSync(join(back, 'pipe')).isFIFO());
    // Else the user of the notebook could not enter it.
    if (letsOthersIn(volumeTool('restic') ?? '', volumes.at(home)))
      for (const folder of [back, join(back, '..')]) assert.equal(lstatSync(folder).uid, 1000);
  });

  it('come back onto another volume, whole and in part', async () => {
    const { volumes } = opened();
    addClaim(volumes.workloads, 'alice', 'second');
    addClaim(volumes.workloads, 'alice', 'third');
    await succeeds('restore-volume', { volume: home, to: 'second', confirm: 'alice/second' });
    const left = (path: string) => isStill(path) || path.startsWith('/back');
    assert.deepEqual(tree(volumes.at('alice/second'), left), tree(volumes.at(home), left));
    await succeeds('restore-volume', {
      ...{ volume: home, to: 'alice/third', include: '/thesis', confirm: 'alice/third' },
    });
    assert.deepEqual(
      tree(volumes.at('alice/third'), () => false).map((line) => line.split(' ')[0]),
      tree(volumes.at(home), (path) => !path.startsWith('/thesis')).map(
        (line) => line.split(' ')[0],
      ),
    );
  });

  it('do not come back in another namespace, where others would read the password', async () => {
    await fails('restore-volume', { volume: home, to: 'bob/data' }, 'parameter-invalid');
    await fails('restore-volume', { volume: 'bob/nothing' }, 'volume-backup-missing');
  });

  it('let a user with all that the own namespace holds change nothing that is backed up', async () => {
    const { volumes, box } = opened();
    const { workloads } = volumes;
    const held = Promise.withResolvers<undefined>();
    workloads.holds.set(home, held.promise);
    const running = box.start('backup-volumes', { volumes: home });
    const job = await until(() =>
      workloads.store.all('jobs', 'alice').find(({ spec }) => spec?.suspend === false),
    );
    const [secret] = workloads.store.all('secrets', 'alice');
    const password = (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString();
    const env = job.spec?.template?.spec.containers?.[0]?.env ?? [];
    const repository = env.find(({ name }) => name === 'RESTIC_REPOSITORY')?.value ?? '';
    const url = repository.replace(/^rest:/, '');
    const { hostname, port } = new URL(url);
    /** As it stands: fetch would tidy the path up. */
    const ask = async (method: string, path: string, user: string, body = ''): Promise<number> => {
      const auth = `${user}:${password('gateway-password')}`;
      const asked = request({ hostname, port, method, auth, path: `/${path}` });
      asked.end(body);
      const [reply] = (await once(asked, 'response')) as [IncomingMessage];
      reply.resume();
      return reply.statusCode ?? 0;
    };
    const repo = `${box.prefix}/volumes/repos/alice/`;
    const stored = () =>
      box.stores.target.contents
        .objects('ckf-backups')
        .filter(({ key }) => key.startsWith(repo) && !key.includes('/locks/'))
        .map(({ key, etag }) => `${key} ${etag}`);
    const before = stored();
    const data = before
      .find((line) => line.includes('/data/'))
      ?.split(' ')[0]
      ?.split('/')
      .at(-1);
    const snapshot = before
      .find((line) => line.includes('/snapshots/'))
      ?.split(' ')[0]
      ?.split('/')
      .at(-1);
    const attacks: readonly (readonly [method: string, path: string, body?: string])[] = [
      ['DELETE', `data/${data ?? ''}`],
      ['DELETE', `snapshots/${snapshot ?? ''}`],
      ['DELETE', 'config'],
      ['DELETE', ''],
      ['POST', `snapshots/${snapshot ?? ''}`, 'overwritten'],
      ['POST', 'config', 'overwritten'],
      ['GET', '../bob/config'],
      ['GET', '%2e%2e/bob/config'],
      ['GET', '..%2fbob%2fconfig'],
      ['GET', 'data/../../bob/config'],
      ['DELETE', 'locks/../config'],
      ['DELETE', 'locks/..%2fconfig'],
      ['DELETE', `locks/../snapshots/${snapshot ?? ''}`],
    ];
    for (const [method, path, body] of attacks) {
      const status = await ask(method, path, 'alice', body);
      assert.ok(status >= 300, `${method} ${path} was answered ${status}`);
    }
    assert.equal(await ask('GET', 'config', 'bob'), 401);
    assert.equal(await ask('GET', 'config', 'alice'), 200);
    assert.equal((await fetch(`${url}config`)).status, 401);
    const restic = promisify(execFile)(
      volumeTool('restic') ?? '',
      ['forget', snapshot ?? '', '--prune'],
      {
        env: {
          RESTIC_REPOSITORY: repository,
          RESTIC_REST_USERNAME: 'alice',
          RESTIC_REST_PASSWORD: password('gateway-password'),
          RESTIC_PASSWORD: password('repository-password'),
          RESTIC_CACHE_DIR: join(volumes.at(home), '../.attack'),
          PATH: '/usr/bin:/bin',
        },
      },
    );
    await assert.rejects(restic);
    assert.deepEqual(stored(), before);
    // What stops restic, and can be added: snapshots, indexes and a key that are none.
    for (const [folder, content] of [
      ...[['snapshots', 'junk'] as const, ['snapshots', '\0'.repeat(500)] as const],
      ...[['index', 'junk'] as const, ['index', '\0'.repeat(500)] as const],
      ['keys', 'junk'] as const,
    ]) {
      const id = createHash('sha256').update(content).digest('hex');
      assert.equal(await ask('POST', `${folder}/${id}`, 'alice', content), 200);
    }
    held.resolve(undefined);
    workloads.holds.delete(home);
    const { status, message, results } = await running.done;
    assert.equal(status, 'completed', message);
    assert.equal(results['phase'], 'Succeeded');
    const shows = await succeeds('show-session', { session: String(results['session']) });
    assert.match(
      String(shows['log']),
      /alice: took 5 objects away that somebody of that namespace/,
    );
    await resticByHand(opened(), 'alice', ['check']);
    rmSync(join(volumes.at(home), '../.attack'), { recursive: true, force: true });
  });

  it('are backed up although a quota refuses the pod of one, and the image of another cannot be pulled', async () => {
    const { volumes } = opened();
    const { workloads } = volumes;
    workloads.faults.set('alice/third', {
      refuse:
        'pods "x" is forbidden: exceeded quota: kf-resource-quota, requested: limits.memory=1Gi',
    });
    workloads.faults.set('bob/data', { image: 'Back-off pulling image "restic/restic:0.19.1"' });
    const { status, message, results, log } = await run('backup-volumes');
    workloads.faults.clear();
    assert.equal(status, 'failed');
    assert.equal(results['phase'], 'PartiallyFailed');
    assert.equal(results['failed'], '2', message);
    const said = log.join('\n');
    assert.match(said, /alice\/third: Failed: .*exceeded quota.*Raise the profile's quota/);
    assert.match(said, /bob\/data: Failed: .*pulling image.*restic-image/);
  });

  it('are left out when their user or an administrator says so', async () => {
    const { store } = opened().volumes.workloads;
    const say = (value: string | null) => ({
      metadata: { annotations: { 'ckf-backup/paused': value } },
    });
    store.patch('persistentvolumeclaims', 'bob', 'data', say('true'));
    store.patch('namespaces', '', 'carol', say('true'));
    const results = await succeeds('backup-volumes', { volumes: '*/*a*' });
    assert.equal(results['skipped'], '2');
    const listed = await succeeds('list-volumes');
    assert.match(String(listed['volumes']), /^bob\/data .* paused: /m);
    store.patch('persistentvolumeclaims', 'bob', 'data', say(null));
    store.patch('namespaces', '', 'carol', say(null));
  });

  it('can be opened by hand, with a password that is shown only on demand', async () => {
    const hidden = await succeeds('get-volume-key', { namespace: 'alice' });
    const password = repositoryPassword(volumesKey, 'alice');
    assert.ok(!JSON.stringify(hidden).includes(password));
    assert.match(
      String(hidden['repositories']),
      /^alice +\d{4}-\d\d-\d\d +[0-9a-f]{12} +opens it$/m,
    );
    const howTo = String(hidden['how-to']);
    const [, address = ''] = /^restic -r (\S+) snapshots$/m.exec(howTo) ?? [];
    const shown = await succeeds('get-volume-key', { namespace: 'alice', reveal: true });
    assert.match(String(shown['passwords']), new RegExp(`^alice +${password}$`, 'm'));
    const { accessKey, secretKey } = opened().box.stores.backups;
    const { stdout } = await promisify(execFile)(
      volumeTool('restic') ?? '',
      ['snapshots', '--json', '--no-lock', '--no-cache', '--host', 'lab-workspace'],
      {
        env: {
          RESTIC_REPOSITORY: address,
          RESTIC_PASSWORD: password,
          AWS_ACCESS_KEY_ID: accessKey,
          AWS_SECRET_ACCESS_KEY: secretKey,
        },
      },
    );
    assert.ok((JSON.parse(stdout) as unknown[]).length > 0);
    await fails('get-volume-key', { namespace: 'nobody' }, 'volume-backup-missing');
  });

  it('refuse another key, and say which one is expected', async () => {
    const { box } = opened();
    const secret = box.unit.agent.state.secrets.find(
      ({ revisions }) => revisions.at(-1)?.['key'] === volumesKey,
    );
    secret?.revisions.push({ key: 'another key of at least thirty-two characters' });
    const { message, log } = await run('backup-volumes', { volumes: 'carol/*' });
    secret?.revisions.push({ key: volumesKey });
    assert.match([message, ...log].join('\n'), /fingerprint [0-9a-f]{12}/);
  });

  it('clear away what a killed action left, and can be backed up at once', async () => {
    const { box, volumes } = opened();
    const held = Promise.withResolvers<undefined>();
    volumes.workloads.holds.set('carol/lab-workspace', held.promise);
    const running = box.start('backup-volumes', { volumes: 'carol/*' });
    await until(() =>
      volumes.workloads.store.all('jobs', 'carol').find(({ spec }) => spec?.suspend === false),
    );
    running.signal('SIGKILL');
    await running.done.catch(() => undefined);
    assert.notDeepEqual(ours(volumes), []);
    volumes.workloads.holds.clear();
    held.resolve(undefined);
    const { contents } = box.stores.target;
    const lock = `${box.prefix}/volumes/repos/carol/locks/${'0'.repeat(64)}`;
    contents.put('ckf-backups', {
      ...{ key: lock, content: 'of a process that died' },
      headers: { 'x-amz-meta-ckf-backup-session': '20261121t030000z' },
    });
    assert.equal((await box.hook('update-status')).exitCode, 0);
    assertEnded(opened());
    assert.equal((await succeeds('backup-volumes', { volumes: 'carol/*' }))['succeeded'], '1');
  });
});

/** Asks until there is an answer, for half a minute. */
const until = async <T>(ask: () => T | undefined): Promise<T> => {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const answer = ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('it did not come');
};
