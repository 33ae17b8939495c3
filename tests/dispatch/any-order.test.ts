import assert from 'node:assert/strict';
import type { UnitAgentState } from '../servers/unit-agent/state.ts';
import { visibleState } from './expected-state.ts';
import type { HookEvent } from './hook-events.ts';
import { type Lane, giveCredentials, openLane } from './lane.ts';
import { databags, relations, s3Secret, secretKey, unitWith } from './world-of-relations.ts';

const { track1, track2, mysql, mysql84, minio } = databags;

const related = (leader = true): UnitAgentState => {
  const state = unitWith(
    [relations.s3(track2), relations.minio(), relations.kfpDb(), relations.katibDb(mysql84)],
    { leader },
  );
  giveCredentials(state);
  return state;
};

describe('hooks one after the other', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane();
  });
  after(() => lane[Symbol.asyncDispose]());

  /** Runs hooks on what the ones before have left. */
  const through = async (
    before: UnitAgentState,
    ...events: readonly (string | HookEvent)[]
  ): Promise<UnitAgentState> => {
    let state = before;
    for (const event of events) {
      const { after, dispatch } = await lane.run(
        state,
        typeof event === 'string' ? { hook: event } : event,
      );
      assert.deepEqual(
        [dispatch.exitCode, dispatch.stdout, dispatch.stderr],
        [0, '', ''],
        JSON.stringify(event),
      );
      state = after;
    }
    return state;
  };
  const databagsOf = (state: UnitAgentState) => visibleState(state).databags;
  const changed = (endpoint: string, relation: number): HookEvent => ({
    hook: `${endpoint}-relation-changed`,
    relation,
  });

  it('change nothing when there is nothing new, in whatever order they come', async () => {
    const settled = await through(related(), 'config-changed');
    assert.equal(visibleState(settled).unit, 'active Ready; no backup is known yet');
    const again = await through(
      settled,
      ...[changed('katib-db', 8), 'secret-changed', 'leader-elected'],
      ...[changed('s3-credentials', 4), changed('s3-credentials', 4)],
    );
    assert.deepEqual(visibleState(again), visibleState(settled));
  });

  it('come to the same end whichever side was first', async () => {
    const [s3, objectStorage, kfpDb, katibDb] = related().relations.map(
      ({ remoteApplicationData }) => remoteApplicationData,
    );
    const come = async (...order: readonly (readonly [number, string])[]) => {
      const state = unitWith([
        relations.s3({}),
        relations.minio({}),
        relations.kfpDb({}),
        relations.katibDb({}),
      ]);
      giveCredentials(state);
      let now = state;
      for (const [index, endpoint] of order) {
        const relation = now.relations[index]!;
        relation.remoteApplicationData = { ...[s3, objectStorage, kfpDb, katibDb][index] };
        now = await through(now, changed(endpoint, relation.id));
      }
      return visibleState(now);
    };
    const forwards = [
      [0, 's3-credentials'],
      [1, 'object-storage'],
      [2, 'kfp-db'],
      [3, 'katib-db'],
    ] as const;
    assert.deepEqual(await come(...forwards), await come(...forwards.toReversed()));
  });

  it('of a unit that has lost the leadership write nothing, and of one that has got it all', async () => {
    const led = await through(related(), 'config-changed');
    const rotated = { 'access-key': 'AKIATRACK2', 'secret-key': 'rotated-key' };
    led.secrets.find(({ id }) => id === s3Secret)?.revisions.push(rotated);
    led.leader = false;
    const lost = await through(led, 'leader-settings-changed', 'secret-changed');
    const unit = 'active Ready; no backup is known yet';
    assert.deepEqual(visibleState(lost), { ...visibleState(led), unit });
    lost.leader = true;
    const regained = await through(lost, 'leader-elected');
    assert.ok(JSON.stringify(databagsOf(regained)['kfp-db']).includes('rotated-key'));
    assert.deepEqual(
      regained.secrets.find(({ owner }) => owner === 'ckf-backup')?.revisions.at(-1),
      rotated,
    );
  });

  it('wait with databags that are half filled, and say for whom', async () => {
    const halves = [
      [{ ...track1, 'secret-key': '' }, /s3-integrator has not sent secret-key yet\./],
      [{ endpoint: track1.endpoint }, /s3-integrator has not sent bucket, access-key, secret-key/],
      [{ ...track2, bucket: '' }, /s3-integrator has not sent bucket yet\./],
      [{ ...track2, 'secret-extra': 'secret:d3n8r2e5kg0c73fhvzzz' }, /s3-integrator has named/],
    ] as const;
    for (const [data, message] of halves) {
      const state = related();
      state.relations[0]!.remoteApplicationData = withoutEmpty(data);
      const after = await through(state, changed('s3-credentials', 4));
      assert.equal(visibleState(after).unit, 'waiting relation-incomplete +0');
      assert.match(after.unitStatus.message, message);
      assert.deepEqual([databagsOf(after)['kfp-db'], databagsOf(after)['katib-db']], [{}, {}]);
    }
    const state = related();
    state.relations[1]!.remoteApplicationData = { _supported_versions: minio._supported_versions };
    const after = await through(state, changed('object-storage', 5));
    assert.match(after.unitStatus.message, /minio has not sent its address and keys yet\./);
  });

  it('pass a rotation on although an option is wrong, and ask s3-integrator for what it has', async () => {
    const state = related();
    state.config['transfers'] = 0;
    state.relations[0]!.remoteApplicationData = { ...track1 };
    const passedOn = await through(state, 'config-changed');
    const given = databagsOf(passedOn);
    assert.ok(JSON.stringify(given['kfp-db']).includes(JSON.stringify(secretKey).slice(1, -1)));
    state.config['bucket'] = 'NO BUCKET';
    state.relations[0]!.localApplicationData = { bucket: 'mine' };
    const { 's3-credentials': asked, 'kfp-db': none } = databagsOf(
      await through(state, 'config-changed'),
    );
    assert.deepEqual(asked, {
      ...{ bucket: 'mine', version: '1', 'lib-version': '1.0' },
      'requested-secrets': '["access-key","secret-key"]',
    });
    assert.deepEqual(none, {});
    passedOn.config['bucket'] = 'NO BUCKET';
    const broken = { hook: 's3-credentials-relation-broken', relation: 4 };
    assert.deepEqual(databagsOf(await through(passedOn, broken))['kfp-db'], {});
  });

  it('give a database that is upgraded or downgraded its keys in the form that it takes then', async () => {
    const state = await through(related(), 'config-changed');
    const katib = state.relations[3]!;
    katib.remoteApplicationData = { ...mysql };
    const down = await through(state, changed('katib-db', 8));
    assert.deepEqual(visibleState(down).secrets, []);
    assert.equal(down.relations[3]?.localApplicationData['secret-key'], secretKey);
    down.relations[3].remoteApplicationData = { ...mysql84 };
    const up = await through(down, changed('katib-db', 8));
    assert.deepEqual(visibleState(up), visibleState(await through(related(), 'config-changed')));
  });

  it('take away all that was handed out when the application is removed', async () => {
    const state = await through(related(), 'config-changed');
    let now = state;
    for (const { endpoint, id } of state.relations) {
      now = await through(now, { hook: `${endpoint}-relation-broken`, relation: id });
      if (endpoint.endsWith('-db')) {
        const { localApplicationData } = now.relations.find((relation) => relation.id === id)!;
        assert.deepEqual(localApplicationData, {});
      }
      now.relations = now.relations.filter((relation) => relation.id !== id);
    }
    const gone = await through(now, 'journal-storage-detaching', 'stop', 'remove');
    assert.deepEqual(visibleState(gone).secrets, []);
  });
});

const withoutEmpty = (data: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(data).filter(([, value]) => value !== ''));
