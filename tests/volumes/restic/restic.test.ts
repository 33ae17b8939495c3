import assert from 'node:assert/strict';
import { repositoryPassword, keyFingerprint } from '../../../src/volumes/restic/keys.ts';
import {
  isSessionId,
  objectName,
  sessionIdAt,
  timeOfSession,
} from '../../../src/volumes/records/names.ts';
import { bytesOf } from '../../../src/volumes/claims/quantity.ts';
import {
  backupArguments,
  complaintsOf,
  restoreArguments,
  restoreSummaryIn,
} from '../../../src/volumes/restic/restic.ts';
import {
  sessionPhase,
  type Phase,
  type VolumeRecord,
} from '../../../src/volumes/records/session-record.ts';

describe('restic', () => {
  it('is told the claim as host and the session as tag', () => {
    assert.deepEqual(backupArguments('data', '20261121t030000z', ['.cache', '-x']), [
      ...['backup', '--json', '--quiet', '--host', 'data', '--tag', 'session=20261121t030000z'],
      ...['--exclude-caches', '--exclude=.cache', '--exclude=-x', '.'],
    ]);
  });

  it('goes on with what a killed pod has left, in place and in a folder', () => {
    const wish = { snapshot: 'abc', folder: undefined, include: undefined, deleteExtra: false };
    for (const folder of [undefined, 'back/monday'])
      assert.ok(!restoreArguments({ ...wish, folder }).includes('--overwrite'));
    assert.match(restoreArguments({ ...wish, folder: 'back' }).join(' '), /--target back /);
    assert.ok(restoreArguments({ ...wish, deleteExtra: true }).includes('--delete'));
    const some = restoreArguments({ ...wish, include: '/thesis' }).join(' ');
    assert.match(some, /--include=\/thesis/);
    // restic refuses both at once.
    assert.doesNotMatch(some, /--exclude=/);
  });

  it('tells what it restored, and leaves zeros out', () => {
    assert.deepEqual(
      restoreSummaryIn(
        '{"message_type":"summary","total_files":1,"files_restored":2,"total_bytes":7}',
      ),
      { files: 1, bytes: 7 },
    );
    for (const output of ['{"message_type":"summary"}\n', 'no space left', ''])
      assert.deepEqual(restoreSummaryIn(output), { files: 0, bytes: 0 });
  });

  it('tells which files it could not read, and how it ended', () => {
    const output =
      '{"message_type":"error","error":{"message":"open secret: permission denied"},"during":"archival","item":"/data/secret"}\n' +
      '{"message_type":"exit_error","code":3,"message":"Warning: at least one source file could not be read"}\n';
    assert.deepEqual(complaintsOf(`nothing of JSON\n${output}`), [
      '/data/secret: open secret: permission denied',
    ]);
    const [, ending = ''] = output.split('\n');
    assert.deepEqual(complaintsOf(ending), ['Warning: at least one source file could not be read']);
  });

  it('names the files that it could not restore, as restic 0.19 writes them', () => {
    const output =
      '{"message_type":"error","error":{"message":"remove /data/b: permission denied"},"during":"restore","item":"/b"}\n' +
      '{"message_type":"exit_error","code":1,"message":"Fatal: There were 1 errors\\n"}\n';
    assert.deepEqual(complaintsOf(output), ['/b: remove /data/b: permission denied']);
    const own =
      '{"message_type":"error","error":{"message":"/data/a: open a: permission denied"},"item":"/data/a"}\n' +
      '{"message_type":"exit_error","code":1,"message":"Fatal: unable to save snapshot"}\n';
    assert.deepEqual(complaintsOf(own), [
      '/data/a: open a: permission denied',
      'Fatal: unable to save snapshot',
    ]);
  });
});

describe('the keys of repositories', () => {
  it('are what openssl makes of the volumes-key', () => {
    // printf %s ckf-backup/volumes/alice | openssl dgst -sha256 -hmac 'a key of at least 32
    // characters!'
    assert.equal(
      repositoryPassword('a key of at least 32 characters!', 'alice'),
      '539364110eeb0284e0b5b3f94c48b30d28c8897009075e060109af032d6f51fb',
    );
    assert.notEqual(repositoryPassword('k', 'alice'), repositoryPassword('k', 'bob'));
    assert.notEqual(keyFingerprint('one'), keyFingerprint('other'));
  });
});

describe('the ids of sessions', () => {
  it('sort by time and are labels of Kubernetes', () => {
    const time = new Date('2026-11-21T03:00:00Z');
    assert.equal(sessionIdAt(time), '20261121t030000z');
    assert.deepEqual(timeOfSession('20261121t030000z'), time);
    assert.ok(isSessionId('20261121t030000z') && !isSessionId('2026-11-21T03:00:00Z'));
    assert.match(
      objectName('20261121t030000z', 'backup', 'alice', 'x'.repeat(253)),
      /^[a-z0-9-]{1,63}$/,
    );
  });
});

describe('a session', () => {
  const phase = (...phases: Phase[]) =>
    sessionPhase(
      phases.map((one): VolumeRecord => ({
        ...{ namespace: 'alice', claim: 'x', size: '1Gi', accessModes: [], phase: one },
      })),
    );

  it('has succeeded when all its volumes have, whatever was skipped', () => {
    assert.equal(phase('Succeeded', 'Skipped', 'Succeeded'), 'Succeeded');
    assert.equal(phase('Succeeded', 'Failed'), 'PartiallyFailed');
    assert.equal(phase('Succeeded', 'PartiallyFailed'), 'PartiallyFailed');
    assert.equal(phase('Failed', 'Failed'), 'Failed');
    assert.equal(phase('Skipped'), 'Skipped');
    assert.equal(phase(), 'Skipped');
  });
});

describe('quantities of Kubernetes', () => {
  it('are bytes', () => {
    assert.equal(bytesOf('5Gi'), 5 * 2 ** 30);
    assert.equal(bytesOf('1.5G'), 1.5e9);
    assert.equal(bytesOf('100'), 100);
    assert.equal(bytesOf('many'), undefined);
  });
});
