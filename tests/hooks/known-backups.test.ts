import assert from 'node:assert/strict';
import { type Charm, handle } from '../../src/charm.ts';
import { unitRig } from '../rigs/unit.ts';

const lastBackup = { id: '2026-11-21T20:15:00Z', bytes: 3 * 2 ** 30, consistent: true };
const killed = { at: '2026-11-22T02:00:00.000Z', task: '17', outcome: 'begun' } as const;
const ready = 'Ready; last backup 2026-11-21T20:15:00Z, 3.0 GiB';

/**
 * Two units of one application: each has a journal of its own, and both see one relation between
 * them.
 */
const twoUnits = () => {
  const [zero, one] = [unitRig(), unitRig()];
  const between = { application: 'ckf-backup', remote: {}, ours: {} };
  for (const { tools } of [zero, one]) tools.relations.set('ckf-backup-peers:1', between);
  one.tools.leader = false;
  const moveLeadership = (): void => {
    for (const { tools } of [zero, one]) tools.leader = !tools.leader;
  };
  return { zero, one, between, moveLeadership };
};

type Rig = ReturnType<typeof unitRig>;

const charmOf = ({ unit }: Rig): Charm => ({
  ...unit,
  unitName: 'ckf-backup/0',
  openWorld: (config) => unit.openWorld(config),
});

describe('what the units know of backups', () => {
  it('is told by the leader, and said by all of them, also when another one leads', async () => {
    const { zero, one, moveLeadership } = twoUnits();
    await zero.journal.setLastBackup(lastBackup);
    await zero.run('update-status');
    await one.run('update-status');
    assert.equal(one.tools.status.message, ready);
    moveLeadership();
    await one.run('leader-elected');
    await zero.run('leader-settings-changed');
    assert.equal(one.tools.status.message, ready);
    assert.equal(zero.tools.status.message, ready);
  });

  it('is newer than what a unit knows that has not led for a while', async () => {
    const { zero, one, moveLeadership } = twoUnits();
    await zero.journal.setLastBackup({ ...lastBackup, id: '2026-11-20T20:15:00Z' });
    await zero.run('update-status');
    moveLeadership();
    await one.journal.setLastBackup(lastBackup);
    await one.journal.setLastAttempt({ ...killed, outcome: 'succeeded' });
    await one.run('update-status');
    moveLeadership();
    await zero.run('leader-elected');
    assert.equal(zero.tools.status.message, ready);
  });

  it('has the failure of the last backup, until one succeeds on any unit', async () => {
    const { zero, one, moveLeadership } = twoUnits();
    await zero.journal.setLastBackup(lastBackup);
    await zero.journal.setLastAttempt({ ...killed, outcome: 'failed', code: 'objects-failed' });
    await zero.run('update-status');
    moveLeadership();
    await one.run('leader-elected');
    for (const { tools } of [zero, one])
      assert.match(tools.status.message, /^The backup of 2026-11-22 02:00Z failed \[objects-failed\]/); // prettier-ignore
    await one.journal.setLastAttempt({
      ...{ at: '2026-11-23T02:00:00.000Z', task: '18', outcome: 'succeeded' },
    } as const);
    await one.run('update-status');
    await zero.run('update-status');
    assert.equal(zero.tools.status.message, ready);
  });

  it('has a backup that was killed, once a hook has told it', async () => {
    const { zero, one } = twoUnits();
    await zero.journal.setLastAttempt(killed);
    await zero.run('update-status');
    await one.run('update-status');
    assert.match(one.tools.status.message, /the backup of 2026-11-22 02:00Z was interrupted/);
  });

  it('is written only when it has changed', async () => {
    const { zero, between } = twoUnits();
    await zero.journal.setLastBackup(lastBackup);
    await zero.run('update-status');
    Object.freeze(between.ours);
    await zero.run('update-status');
    assert.equal(zero.tools.status.message, ready);
  });

  it('reaches the journal of a unit before it acts', async () => {
    const { zero, one, moveLeadership } = twoUnits();
    await zero.journal.setLastBackup({ ...lastBackup, verified: 'damaged' });
    await zero.run('update-status');
    moveLeadership();
    one.tools.parameters = { 'backup-id': 'nonsense' };
    await handle({ kind: 'action', name: 'delete-backup', task: '1' }, charmOf(one));
    assert.equal((await one.journal.lastBackup())?.verified, 'damaged');
  });

  it('survives a databag that another revision wrote', async () => {
    const { zero, between } = twoUnits();
    Object.assign(between.ours, { 'last-backup': '[', 'last-attempt': '{"at":3}' });
    await zero.run('update-status');
    assert.equal(zero.tools.status.message, 'Ready; no backup is known yet');
  });
});
