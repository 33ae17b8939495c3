import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { truncateSync, writeFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { needsVolumeTools } from '../rigs/needs.ts';
import { until } from '../rigs/restic.ts';
import { assertEnded, boxWithVolumes, ours } from '../rigs/volumes.ts';
import type { ActionRun } from '../sandbox/box/actions.ts';

const volume = 'bob/data';
const bucket = 'ckf-backups';

/** An action and its parameters. */
type Asked = readonly [action: string, parameters?: Readonly<Record<string, unknown>>];

describe("users' volumes whose user floods the own repository, on a box whose minutes are short", () => {
  const opened = boxWithVolumes(20);
  before(async function () {
    await needsVolumeTools(this);
    assert.equal((await opened().box.run('backup-volumes')).status, 'completed');
  });
  afterEach(() => {
    assertEnded(opened());
  });

  const contents = () => opened().box.stores.target.contents;
  const backups = async (): Promise<number> => {
    const { results } = await opened().box.run('list-volume-backups', { volume });
    return String(results['backups']).match(/\d{8}t\d{6}z/g)?.length ?? 0;
  };
  const said = ({ log }: Pick<ActionRun, 'log'>): string =>
    log.find((line) => line.includes(`${volume}: Failed: `)) ?? log.join('\n');

  /** With what the user finds in the own namespace while a pod is about to start there. */
  const intrude = async (): Promise<(name: string) => ClientRequest> => {
    const { store } = opened().volumes.workloads;
    const job = await until(() =>
      store.all('jobs', 'bob').find(({ spec }) => spec?.suspend === false),
    );
    const [secret] = store.all('secrets', 'bob');
    const password = Buffer.from(secret?.data?.['gateway-password'] ?? '', 'base64').toString();
    const env = job.spec?.template?.spec.containers?.[0]?.env ?? [];
    const repository = env.find(({ name }) => name === 'RESTIC_REPOSITORY')?.value ?? '';
    const { hostname, port } = new URL(repository.replace(/^rest:/, ''));
    return (name) =>
      request({
        ...{ hostname, port, method: 'POST', path: `/data/${name}` },
        auth: `bob:${password}`,
      });
  };
  const newName = (): string => randomBytes(32).toString('hex');

  /** Puts one file into the repository. Returns whether the gateway took it. */
  const put = async (post: (name: string) => ClientRequest): Promise<boolean> => {
    const name = newName();
    const asked = post(name);
    asked.end(randomBytes(1000));
    try {
      const [reply] = (await once(asked, 'response')) as [IncomingMessage];
      reply.resume();
      if (reply.statusCode !== 200) return false;
    } catch {
      return false;
    }
    enlarge(name);
    return true;
  };
  /** As if he had sent half a gigabyte, which takes no room on this disk. */
  const enlarge = (name: string): void => {
    const stored = contents().bucket(bucket);
    const object = contents()
      .objects(bucket)
      .find(({ key }) => key.endsWith(name));
    const [file] = object?.files ?? [];
    if (object === undefined || file === undefined) throw new Error(`${name} was not stored`);
    const size = 2 ** 29;
    truncateSync(stored.pathOf(file.file), size);
    stored.alter({ ...object, size, files: [{ ...file, size }] });
  };
  const floods = async (): Promise<number> => {
    const post = await intrude();
    let files = 0;
    // Sixty would be three times what is let in.
    while (files < 60 && (await put(post))) {
      files += 1;
      if (files > 22) await sleep(500);
    }
    return files;
  };
  /** The pod of the volume starts when this is called. */
  const hold = (): (() => void) => {
    const { holds } = opened().volumes.workloads;
    const held = Promise.withResolvers<undefined>();
    holds.set(volume, held.promise);
    return () => {
      holds.delete(volume);
      held.resolve(undefined);
    };
  };

  it('are not backed up by then, those of others are, and so are his the next time', async () => {
    const { box } = opened();
    const release = hold();
    const before = await backups();
    const running = box.start('backup-volumes');
    const files = await floods();
    const run = await running.done;
    release();
    assert.equal(run.status, 'failed');
    assert.match(
      said(run),
      /bob\/data: Failed: bob: the repository grew by \d+(\.\d)? GiB in this session, and its volumes may hold 5(\.0)? GiB, so that it was stopped\. Somebody of that namespace may be filling the bucket\. Backups that were made before are kept\./,
    );
    assert.ok(files > 20 && files < 60, String(files));
    assert.equal(run.results['succeeded'], '2', run.message);
    assertEnded(opened());
    const next = await box.run('backup-volumes');
    assert.equal(next.status, 'completed', next.message);
    assert.equal(await backups(), before + 1);
  });

  it('are not restored by then, and are the next time', async () => {
    const { box } = opened();
    const release = hold();
    const running = box.start('restore-volume', { volume, into: 'back' });
    const files = await floods();
    const run = await running.done;
    release();
    assert.equal(run.status, 'failed');
    assert.match(run.message, /bob: the repository grew by .* run the action again/);
    assert.ok(files > 20 && files < 60, String(files));
    const next = await box.run('restore-volume', { volume, into: 'back' });
    assert.equal(next.status, 'completed', next.message);
  });

  it('are backed up although he uploads a file without end, of which no part stays', async () => {
    const { box, volumes } = opened();
    const { uploads } = contents().bucket(bucket);
    writeFileSync(join(volumes.at(volume), 'big'), randomBytes(100_000));
    const release = hold();
    const running = box.start('backup-volumes', { volumes: volume });
    const post = await intrude();
    const endless = (): ClientRequest => {
      const asked = post(newName());
      asked.on('error', () => undefined);
      asked.write(randomBytes(11 * 2 ** 20));
      return asked;
    };
    const first = endless();
    const begun = await until(() => [...uploads.values()].find(({ parts }) => parts.size > 0));
    assert.match(begun.key, /\/volumes\/repos\/bob\/data\//);
    await until(() => (uploads.has(begun.id) ? undefined : true));
    first.destroy();
    assert.equal(box.model.state.tasks.at(-1)?.status, 'running', 'it was not the end of all');
    // And one that is cut off when the gateway is shut.
    const second = endless();
    await until(() => [...uploads.values()].find(({ parts }) => parts.size > 0));
    release();
    const { status, message } = await running.done;
    second.destroy();
    assert.equal(status, 'completed', message);
  });
});

describe("users' volumes and keys of the bucket that are revoked, on a box whose minutes are short", () => {
  const opened = boxWithVolumes(20);
  before(async function () {
    await needsVolumeTools(this);
    await opened().box.configure({ volumes: 'bob/*' });
    assert.equal((await opened().box.run('backup-volumes')).status, 'completed');
  });

  /** Of the gateway and of the charm: they have the same. */
  const revoke = (): void => {
    opened().box.stores.target.setUsers([]);
  };
  const giveBack = (): void => {
    const { accessKey, secretKey } = opened().box.stores.backups;
    opened().box.stores.target.setUsers([{ accessKey, secretKey }]);
  };
  afterEach(() => {
    giveBack();
    assertEnded(opened());
  });
  const works = async (role: string): Promise<void> => {
    const { store } = opened().volumes.workloads;
    await until(() =>
      store
        .list('pods', undefined, `ckf-backup/role=${role}`)
        .find(({ status }) => status?.phase === 'Running'),
    );
  };

  const endsDenied = async (done: Promise<ActionRun>): Promise<void> => {
    const { box, volumes } = opened();
    const { status, message, results } = await done;
    assert.equal(status, 'failed');
    assert.equal(results['error-code'], 'store-denied', message);
    assert.match(
      message,
      /bucket ckf-backups at .*InvalidAccessKeyId.* [Cc]heck the keys that s3-integrator has .*\[store-denied\]/s,
    );
    assert.deepEqual(ours(volumes), [], 'nothing of ours is left in the cluster');
    await box.hook('update-status');
    giveBack();
    await box.hook('update-status');
    assertEnded(opened());
  };

  for (const [action, parameters, role] of [
    ['backup-volumes', {}, 'backup'],
    ['restore-volume', { volume, into: 'back' }, 'restore'],
  ] as const)
    it(`in the middle of ${action} say so, leave nothing, and let the next session succeed`, async () => {
      const { box, volumes } = opened();
      const release = Promise.withResolvers<undefined>();
      volumes.workloads.holds.set(volume, release.promise);
      writeFileSync(join(volumes.at(volume), 'big'), randomBytes(2 ** 20));
      const running = box.start(action, parameters);
      const { store } = volumes.workloads;
      await until(() => store.all('jobs', 'bob').find(({ spec }) => spec?.suspend === false));
      revoke();
      volumes.workloads.holds.clear();
      release.resolve(undefined);
      await works(role);
      await endsDenied(running.done);
      const next = await box.run(action, parameters);
      assert.equal(next.status, 'completed', next.message);
    });

  it('at the beginning of verify-volumes say so, too', async () => {
    const { box, volumes } = opened();
    const running = box.start('verify-volumes');
    const { store } = volumes.workloads;
    await until(() => store.list('pods', undefined, 'ckf-backup/role=check')[0]);
    revoke();
    await endsDenied(running.done);
    const next = await box.run('verify-volumes');
    assert.equal(next.status, 'completed', next.message);
  });
});

describe("two sessions of users' volumes at the same moment", () => {
  const opened = boxWithVolumes(1, 2);
  before(async function () {
    await needsVolumeTools(this);
    await opened().box.configure({ volumes: 'bob/*' });
    assert.equal((await opened().box.run('backup-volumes')).status, 'completed');
  });
  afterEach(() => {
    leads('ckf-backup/0');
    assertEnded(opened());
    const { box } = opened();
    const claims = box.stores.target.contents.keys(bucket, `${box.prefix}/volumes/locks/`);
    assert.deepEqual(claims, [], 'no operation has the right to work');
  });

  const agents = () => {
    const { unit, furtherUnits } = opened().box;
    return new Map([['ckf-backup/0', unit.agent] as const, ...furtherUnits]);
  };
  const leads = (leader: string): void => {
    for (const [name, { state }] of agents()) state.leader = name === leader;
  };
  const sessions = async (): Promise<number> => {
    const { results } = await opened().box.run('list-sessions', { of: 'volumes', format: 'json' });
    return (JSON.parse(String(results['sessions'])) as unknown[]).length;
  };
  /** On a unit of which Juju has made the leader meanwhile. */
  const runOn = async (unit: string, [action, parameters = {}]: Asked) => {
    leads(unit);
    const { model } = opened().box;
    return model.ended(model.enqueue(unit, action, parameters).id);
  };
  /** Begins on the first unit; it works beside the volume when this resolves. */
  const begin = async ([action, parameters = {}]: Asked) => {
    const { box, volumes } = opened();
    const { holds, store } = volumes.workloads;
    const held = Promise.withResolvers<undefined>();
    holds.set(volume, held.promise);
    const running = box.start(action, parameters);
    await until(() => store.all('jobs', 'bob').find(({ spec }) => spec?.suspend === false));
    return {
      end: async () => {
        holds.clear();
        held.resolve(undefined);
        return running.done;
      },
    };
  };
  const backup: Asked = ['backup-volumes'];
  const restore: Asked = ['restore-volume', { volume, into: 'back' }];

  for (const [first, second] of [
    [backup, backup],
    [restore, backup],
    [backup, restore],
  ] as const)
    it(`${second[0]} is refused while another unit does ${first[0]}, which is not disturbed`, async () => {
      const before = await sessions();
      const running = await begin(first);
      const refused = await runOn('ckf-backup/1', second);
      assert.equal(refused.status, 'failed');
      assert.match(
        refused.message,
        /Another operation works on the path \S+\/volumes in bucket ckf-backups: unit ckf-backup\/0 of model \S+\. This one stopped\. Wait for the other to end, then run the action again\. If that unit is dead, its lock ends by itself at \S+ \[backup-running\]/,
      );
      const { status, message } = await running.end();
      assert.equal(status, 'completed', message);
      leads('ckf-backup/0');
      assert.equal(await sessions(), before + 1, 'the one that was refused is none');
      assertEnded(opened());
      const next = await runOn('ckf-backup/1', second);
      assert.equal(next.status, 'completed', next.message);
    });

  it('that ask at the same time are not both let in', async () => {
    const { box, volumes } = opened();
    const held = Promise.withResolvers<undefined>();
    volumes.workloads.holds.set(volume, held.promise);
    for (const { state } of agents().values()) state.leader = true;
    const both = [...agents().keys()].map((unit) =>
      box.model.ended(box.model.enqueue(unit, 'backup-volumes', {}).id),
    );
    const refused = await Promise.race(both);
    assert.match(refused.message, /\[backup-running\]/);
    volumes.workloads.holds.clear();
    held.resolve(undefined);
    const ends = (await Promise.all(both)).map(({ status }) => status);
    assert.deepEqual(ends.toSorted(), ['completed', 'failed']);
  });

  it('of one unit come one after the other, as Juju has it', async () => {
    const { box } = opened();
    const before = await sessions();
    const first = await begin(backup);
    const second = box.start('backup-volumes');
    assert.equal(box.model.state.tasks.at(-1)?.status, 'pending');
    for (const { status, message } of [await first.end(), await second.done])
      assert.equal(status, 'completed', message);
    assert.equal(await sessions(), before + 2);
  });
});
