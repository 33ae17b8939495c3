import assert from 'node:assert/strict';
import { parseClusterStatus, faultOf } from '../../../src/operation/cluster-status.ts';
import { statusOfBackup } from '../../../src/components/databases/stored-backup.ts';
import { CharmError } from '../../../src/errors.ts';

const track80 = {
  success: 'True',
  status: {
    clustername: 'cluster-1',
    defaultreplicaset: {
      name: 'default',
      primary: 'kfp-db-0.kfp-db-endpoints:3306',
      status: 'ok_no_tolerance',
      topology: {
        'kfp-db-0': { memberrole: 'primary', mode: 'r/w', role: 'ha', status: 'online' },
        'kfp-db-1': { memberrole: 'secondary', mode: 'r/o', role: 'ha', status: 'online' },
      },
    },
  },
};

const track84 = {
  success: 'True',
  status: JSON.stringify({
    defaultReplicaSet: {
      status: 'OK_NO_TOLERANCE',
      topology: {
        'kfp-db-0': { memberRole: 'PRIMARY', status: 'ONLINE' },
        'kfp-db-1': { memberRole: 'SECONDARY', status: 'ONLINE', hiddenFromRouter: true },
      },
    },
  }),
};

describe('cluster status', () => {
  it('is read from the lower-case map of track 8.0', () => {
    const { status, members } = parseClusterStatus('kfp-db', track80);
    assert.equal(status, 'ok_no_tolerance');
    assert.deepEqual(
      members.map(({ unit, role, state }) => [unit, role, state]),
      [
        ['kfp-db/0', 'primary', 'online'],
        ['kfp-db/1', 'secondary', 'online'],
      ],
    );
  });

  it('is read from the JSON text of track 8.4', () => {
    const { status, members } = parseClusterStatus('kfp-db', track84);
    assert.equal(status, 'ok_no_tolerance');
    assert.deepEqual(members[1], {
      unit: 'kfp-db/1',
      role: 'secondary',
      state: 'online',
      hidden: true,
    });
  });

  it('is an error when the charm gave none', () => {
    for (const results of [
      {},
      { success: 'False', message: 'no quorum' },
      { status: 'not JSON' },
      { status: [] },
    ])
      assert.throws(() => parseClusterStatus('kfp-db', results), CharmError);
  });

  it('finds why a cluster must be left alone', () => {
    const { members } = parseClusterStatus('kfp-db', track80);
    assert.equal(faultOf({ status: 'ok', members }, 2), undefined);
    assert.match(faultOf({ status: 'ok', members }, 3) ?? '', /2 members for 3 units/);
    const [first, second] = members;
    assert.ok(first && second);
    assert.match(
      faultOf({ status: 'ok', members: [first, { ...second, state: 'recovering' }] }, 2) ?? '',
      /kfp-db\/1 is recovering/,
    );
    assert.match(
      faultOf({ status: 'ok', members: [first, { ...second, hidden: true }] }, 2) ?? '',
      /hidden/,
    );
  });
});

describe('list-backups', () => {
  const table = [
    'backup-id             | backup-type  | backup-status',
    '----------------------------------------------------',
    '2026-11-20T10:00:00Z  | physical     | failed',
    '2026-11-21T10:00:00Z  | physical     | finished',
  ].join('\n');

  it('tells the status of one backup', () => {
    assert.equal(statusOfBackup(table, '2026-11-21T10:00:00Z'), 'finished');
    assert.equal(statusOfBackup(table, '2026-11-20T10:00:00Z'), 'failed');
  });

  it('tells it by the heading, whatever stands around the table, and in which order', () => {
    const other = [
      'Storage bucket name: ckf-backups',
      'Backups base path: /kubeflow/kfp-db/',
      '',
      'backup-id             | backup-status | backup-type  | timeline',
      '---------------------------------------------------------------',
      '2026-11-21T10:00:00Z  | Finished      | physical     | 1',
      'T1                    | finished      | restore      | 1',
    ].join('\n');
    assert.equal(statusOfBackup(other, '2026-11-21T10:00:00Z'), 'finished');
  });

  it('knows nothing of a backup that is not in the table', () => {
    assert.equal(statusOfBackup(table, '2026-11-22T10:00:00Z'), undefined);
    assert.equal(statusOfBackup(undefined, '2026-11-22T10:00:00Z'), undefined);
  });
});
