import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { statusOf } from '../../src/hooks/status.ts';

const late = new CharmError('relation-incomplete', 'minio has sent nothing.');
const unset = new CharmError('juju-credentials-missing', 'The option is not set.');
const none = new CharmError('relation-missing', 'No S3.');
const lastBackup = { id: '2026-11-21T20:15:00Z', bytes: 3 * 2 ** 30, consistent: true };

describe('the status', () => {
  it('is active without problems, and tells of the last backup', () => {
    assert.deepEqual(statusOf({ leader: true, problems: [], lastBackup: undefined }), {
      name: 'active',
      message: 'Ready; this unit has made no backup yet',
    });
    assert.deepEqual(statusOf({ leader: true, problems: [], lastBackup }), {
      name: 'active',
      message: 'Ready; last backup 2026-11-21T20:15:00Z, 3.0 GiB',
    });
    assert.equal(
      statusOf({ leader: true, problems: [], lastBackup: { ...lastBackup, consistent: false } })
        .message,
      'Ready; last backup 2026-11-21T20:15:00Z, 3.0 GiB, not consistent',
    );
    assert.equal(
      statusOf({ leader: true, problems: [], lastBackup: { ...lastBackup, verified: 'damaged' } })
        .message,
      'Ready; last backup 2026-11-21T20:15:00Z, 3.0 GiB, verified damaged',
    );
  });

  it('of a unit that does not lead tells of no backup, for it knows of none that the leader made', () => {
    assert.deepEqual(statusOf({ leader: false, problems: [], lastBackup }), {
      name: 'active',
      message: 'Ready; the leader makes the backups',
    });
  });

  it('waits for what passes by itself', () => {
    assert.deepEqual(statusOf({ leader: true, problems: [late], lastBackup }), {
      name: 'waiting',
      message: 'minio has sent nothing. [relation-incomplete]',
    });
  });

  it('is blocked by the first thing that somebody must act on, whatever else there is', () => {
    assert.deepEqual(statusOf({ leader: true, problems: [late, unset, none], lastBackup }), {
      name: 'blocked',
      message: 'The option is not set. [juju-credentials-missing] (and 2 more)',
    });
  });
});
