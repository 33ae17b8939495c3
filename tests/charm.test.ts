import assert from 'node:assert/strict';
import { actionNames } from '../src/actions/actions.ts';
import { type Charm, handle } from '../src/charm.ts';
import { systemClock } from '../src/adapters/clock.ts';
import { CharmError } from '../src/errors.ts';
import type { World } from '../src/world.ts';
import { FakeProgress } from './fakes/progress.ts';
import { unitRig } from './rigs/unit.ts';

const charmOf = ({ unit }: ReturnType<typeof unitRig>): Charm => ({
  ...unit,
  unitName: 'ckf-backup/0',
  openWorld: (config) => unit.openWorld(config),
});

const lifecycle = [
  ...['install', 'leader-elected', 'config-changed', 'start', 'update-status', 'upgrade-charm'],
  ...['secret-changed', 'secret-remove', 'secret-expired', 'secret-rotate', 'stop', 'remove'],
  ...['leader-settings-changed', 'journal-storage-attached', 'journal-storage-detaching'],
  ...['pre-series-upgrade', 'collect-metrics', 'a-hook-of-the-future'],
];
const endpoints = { 's3-credentials': 4, 'object-storage': 5, 'kfp-db': 7, 'katib-db': 8 };

const hooks = [
  ...lifecycle.map((name) => ({ kind: 'hook', name, relationId: undefined }) as const),
  ...Object.entries(endpoints).flatMap(([endpoint, id]) =>
    ['created', 'joined', 'changed', 'departed', 'broken'].map(
      (event) =>
        ({
          kind: 'hook',
          name: `${endpoint}-relation-${event}`,
          relationId: `${endpoint}:${id}`,
        }) as const,
    ),
  ),
];

describe('the charm', () => {
  for (const leader of [true, false])
    for (const [state, remote] of [
      ['before there is any data', {}],
      ['with the databases asking', { bucket: 'relation-7' }],
      ['with the databases asking for secrets', { 'requested-secrets': '["secret-key"]' }],
    ] as const)
      it(`settles every hook ${state}, ${leader ? '' : 'not '}as leader, twice and in any order`, async () => {
        const rig = unitRig();
        rig.tools.leader = leader;
        for (const [endpoint, id] of Object.entries(endpoints).slice(2))
          rig.tools.relations.set(`${endpoint}:${id}`, { application: endpoint, remote, ours: {} });
        for (const event of [...hooks, ...hooks.toReversed()]) {
          await handle(event, charmOf(rig));
          assert.ok(
            ['active', 'blocked', 'waiting', 'maintenance'].includes(rig.tools.status.name),
          );
        }
        const ours = [...rig.tools.relations.values()].map((relation) => relation.ours);
        if (!leader) assert.deepEqual(ours, [{}, {}, {}, {}]);
        else assert.deepEqual(ours[1], { _supported_versions: '- v1\n' });
      });

  it('takes a relation for gone in its last hook', async () => {
    const rig = unitRig();
    const event = { kind: 'hook', name: 's3-credentials-relation-broken' } as const;
    await handle({ ...event, relationId: 's3-credentials:4' }, charmOf(rig));
    assert.match(rig.tools.status.message, /\[relation-missing\]/);
    assert.deepEqual(rig.tools.relations.get('s3-credentials:4')?.ours, {});
  });

  it('lets a bug in a hook through, so that Juju commits nothing', async () => {
    const rig = unitRig();
    rig.tools.isLeader = () => Promise.reject(new TypeError('broken'));
    const event = { kind: 'hook', name: 'start', relationId: undefined } as const;
    await assert.rejects(handle(event, charmOf(rig)), TypeError);
  });

  it('shows an expected failure of a hook as its status', async () => {
    const rig = unitRig();
    rig.tools.isLeader = () => Promise.reject(new CharmError('disk-full', 'No space.'));
    const event = { kind: 'hook', name: 'start', relationId: undefined } as const;
    await handle(event, charmOf(rig));
    assert.equal(rig.tools.status.name, 'blocked');
    assert.match(rig.tools.status.message, /^No space\. \[disk-full\]: /);
  });

  for (const name of actionNames.filter((one) => one !== 'work'))
    it(`refuses ${name} on a unit that does not lead, and says whom to ask`, async () => {
      const rig = unitRig();
      Object.assign(rig.tools, { leader: false, options: { transfers: 0 } });
      await handle({ kind: 'action', name, task: '1' }, charmOf(rig));
      assert.equal(
        rig.tools.failure,
        'ckf-backup/0 is not the leader, and only the leader acts. Nothing was changed.' +
          ` Run: juju run ckf-backup/leader ${name} [not-leader]`,
      );
      assert.deepEqual(rig.tools.results, { 'error-code': 'not-leader' });
      assert.equal(rig.tools.status.message, '');
      assert.equal(rig.logins, 0);
    });

  it('lets a unit that does not lead help the one that does', async () => {
    const rig = unitRig();
    Object.assign(rig.tools, { leader: false, options: { transfers: 0 } });
    await handle({ kind: 'action', name: 'work', task: '1' }, charmOf(rig));
    assert.match(rig.tools.failure ?? '', /\[option-invalid\]$/);
  });

  it('leaves what all units know to the leader when it has helped', async () => {
    const rig = unitRig();
    Object.assign(rig.tools, { leader: false, options: { ...rig.tools.options, transfers: 0 } });
    const peers = { application: 'ckf-backup', remote: {}, ours: {} };
    rig.tools.relations.set('ckf-backup-peers:1', peers);
    await rig.journal.setLastBackup({ id: '2026-11-21T20:15:00Z', bytes: 1, consistent: true });
    await handle({ kind: 'action', name: 'work', task: '1' }, charmOf(rig));
    assert.deepEqual(peers.ours, {});
    assert.match(rig.tools.status.message, /transfers/);
  });

  it('leaves a result for an action that is killed, which its end replaces', async () => {
    const rig = unitRig();
    const outcomes: unknown[] = [];
    const { actionSet } = rig.tools;
    rig.tools.actionSet = async (results) => {
      outcomes.push(results['outcome']);
      return actionSet(results);
    };
    rig.tools.parameters = { 'backup-id': 'nonsense' };
    const openWorld = async (): Promise<World> => {
      const seen: Partial<World> = { progress: new FakeProgress(), clock: systemClock };
      return seen as World;
    };
    const event = { kind: 'action', name: 'restore-control-plane', task: '1' } as const;
    await handle(event, { ...charmOf(rig), openWorld });
    assert.match(String(outcomes[0]), /^unfinished: .*juju status ckf-backup/);
    assert.equal(rig.tools.results['outcome'], 'failed');
  });

  it('says after an action, too, when the schedule comes next, and that its last backup failed', async () => {
    const rig = unitRig();
    rig.tools.options = { ...rig.tools.options, schedule: '0 2 * * *' };
    const event = { kind: 'action', name: 'no-such-action', task: '1' } as const;
    await handle(event, charmOf(rig));
    assert.match(rig.tools.status.message, /, next 2026-11-27T02:00:00Z$/);
    rig.tools.relations.set('ckf-backup-peers:1', {
      ...{ application: 'ckf-backup', remote: {} },
      ours: {
        schedule: JSON.stringify({
          ...{ options: '', accounted: '2026-11-26T02:00:00Z' },
          failed: { slot: '2026-11-26T02:00:00Z', task: '41' },
        }),
      },
    });
    await handle(event, charmOf(rig));
    assert.match(
      rig.tools.status.message,
      /^The backup of 2026-11-26T02:00:00Z failed.*show-task 41/,
    );
  });

  it('keeps the result of an action when its status cannot be told any more', async () => {
    const rig = unitRig();
    const lost = async (): Promise<never> => {
      throw new Error('connection is shut down');
    };
    Object.assign(rig.tools, { setStatus: lost, log: lost, actionLog: lost });
    await handle({ kind: 'action', name: 'of-the-future', task: '1' }, charmOf(rig));
    assert.deepEqual(rig.tools.results, { 'error-code': 'parameter-invalid' });
    assert.ok(rig.tools.failure?.includes('[parameter-invalid]'));
  });

  it('repeats the parameters in the command that it tells on a unit that does not lead', async () => {
    const rig = unitRig();
    rig.tools.leader = false;
    rig.tools.parameters = {
      'backup-id': '2026-11-21T20:15:00Z',
      confirm: "the model's",
      'from-model': '',
      'dry-run': false,
      'take-over': true,
      timeout: 600,
    };
    const charm = { ...charmOf(rig), application: 'backup', unitName: 'backup/1' };
    await handle({ kind: 'action', name: 'restore-control-plane', task: '1' }, charm);
    assert.ok(
      rig.tools.failure?.includes(
        "juju run backup/leader restore-control-plane backup-id=2026-11-21T20:15:00Z confirm='the model'\\''s' take-over=true timeout=600 [",
      ),
      rig.tools.failure,
    );
  });

  it('says after an action what it found, although that was several things at once', async () => {
    const rig = unitRig();
    const unit = {
      ...charmOf(rig),
      openWorld: () => Promise.reject(new CharmError('store-denied', 'S3 refuses the keys.')),
    };
    await handle({ kind: 'action', name: 'check', task: '1' }, unit);
    assert.match(rig.tools.status.message, /^S3 refuses the keys\. \[store-denied\]: /);
    const problems = [
      new CharmError('store-denied', 'S3 refuses the keys.'),
      new CharmError('mlmd-missing', 'There is no pod.'),
    ];
    const several = new CharmError('preflight-failed', '2 problems.', { problems });
    unit.openWorld = () => Promise.reject(several);
    await handle({ kind: 'action', name: 'check', task: '2' }, unit);
    assert.equal(rig.tools.status.name, 'blocked');
    assert.match(
      rig.tools.status.message,
      /^S3 refuses the keys\. \[store-denied\] \(and 1 more\)/,
    );
  });

  it('is as it was after an action that was asked for wrongly', async () => {
    const rig = unitRig();
    const refused = new CharmError('parameter-invalid', 'There is no such set.');
    const charm = { ...charmOf(rig), openWorld: () => Promise.reject(refused) };
    await handle({ kind: 'action', name: 'check', task: '1' }, charm);
    assert.equal(rig.tools.status.name, 'active');
  });

  it('reports every option that is wrong, and lets only check look further', async () => {
    const rig = unitRig();
    rig.tools.options = { ...rig.tools.options, transfers: 0, 'keep-last': -1 };
    await handle({ kind: 'action', name: 'backup-control-plane', task: '1' }, charmOf(rig));
    for (const option of ['transfers', 'keep-last'])
      assert.ok(rig.tools.failure?.includes(`The option ${option} is`), rig.tools.failure);
  });

  it('fails an action that it does not have', async () => {
    const rig = unitRig();
    await handle({ kind: 'action', name: 'explode', task: '1' }, charmOf(rig));
    assert.match(
      rig.tools.failure ?? '',
      /no action explode; it has .*check.* \[parameter-invalid\]$/,
    );
  });
});
