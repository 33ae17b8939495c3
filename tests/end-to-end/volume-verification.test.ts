import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needsVolumeTools } from '../rigs/needs.ts';
import { assertEnded, boxWithVolumes } from '../rigs/volumes.ts';

describe("the repositories of users' volumes", () => {
  const opened = boxWithVolumes();
  before(async function () {
    await needsVolumeTools(this);
    const { box, volumes } = opened();
    writeFileSync(join(volumes.at('bob/data'), 'big'), randomBytes(1_000_000));
    for (const user of ['alice', 'bob'])
      assert.equal((await box.run('backup-volumes', { volumes: `${user}/*` })).status, 'completed');
  });
  afterEach(() => {
    assertEnded(opened());
  });

  const run = async (action: string, parameters: Readonly<Record<string, unknown>> = {}) =>
    opened().box.run(action, parameters);
  const proven = async (volume: string): Promise<string> => {
    const { results } = await run('list-volume-backups', { volume });
    return String(results['backups']).split('\n')[1] ?? '';
  };

  it('have an unknown integrity before somebody has looked', async () => {
    const { results } = await run('volume-status');
    const lines = String(results['repositories']).split('\n');
    assert.match(
      lines[0] ?? '',
      /^REPOSITORY +INTEGRITY +SIZE +SNAPSHOT-COUNT +LAST-SUCCESSFUL-BACKUP +AGE +PROVEN$/,
    );
    assert.match(lines[2] ?? '', /^bob +unknown +[\d.]+ [KM]iB +1 +\d+\w* ago +\d+\w* +-$/);
    assert.equal(lines.length, 3);
    assert.match(await proven('bob/data'), / -$/);
    const nobody = await run('volume-status', { namespace: 'nobody' });
    assert.match(String(nobody.results['repositories']), /no repositories/);
  });

  it('are verified, all of them, and show it as a proof', async () => {
    const { status, message, results } = await run('verify-volumes');
    assert.equal(status, 'completed', message);
    assert.equal(results['verified'], '2');
    assert.equal(results['errors'], '0');
    assert.match(String(results['repositories']), /^alice +checked /m);
    assert.match(await proven('bob/data'), /checked \d+\w* ago$/);
    const { results: shown } = await run('volume-status', { format: 'json', namespace: 'bob' });
    const [bob] = JSON.parse(String(shown['repositories'])) as Record<string, unknown>[];
    assert.equal(bob?.['integrity'], 'intact');
    assert.equal(bob['snapshot-count'], 1);
    assert.ok(Number(bob['size']) > 1_000_000);
    assert.equal(typeof bob['last-successful-backup'], 'string');
  });

  it('are restored from for a test, with what only root may read', async () => {
    const volume = 'alice/lab-workspace';
    const { status, message } = await run('verify-volumes', { 'test-restore': volume });
    assert.equal(status, 'completed', message);
    assert.match(await proven(volume), /restored \d+\w* ago$/);
    assert.match(await proven('bob/data'), /checked \d+\w* ago$/);
    for (const wrong of [{ 'read-data': '3/2' }, { 'test-restore': volume, namespace: 'bob' }]) {
      const refused = await run('verify-volumes', wrong);
      assert.equal(refused.results['error-code'], 'parameter-invalid');
    }
    const nobody = await run('verify-volumes', { namespace: 'nobody' });
    assert.equal(nobody.results['error-code'], 'volume-backup-missing');
  });

  it('are found damaged when a pack is, which is named, and then no backup is removed', async () => {
    const { box } = opened();
    const { contents } = box.stores.target;
    const place = `${box.prefix}/volumes/repos/bob/data/`;
    const largest = contents
      .objects('ckf-backups')
      .filter(({ key }) => key.startsWith(place))
      .toSorted((one, other) => other.size - one.size)[0];
    const key = largest?.key ?? '';
    const whole = contents.read('ckf-backups', key);
    const spoiled = Buffer.from(whole);
    spoiled.writeUInt8(spoiled.readUInt8(1000) ^ 1, 1000);
    contents.put('ckf-backups', { key, content: spoiled });
    // What only looks whether all is there does not see it.
    assert.equal((await run('verify-volumes', { namespace: 'bob' })).status, 'completed');
    const { status, message, results } = await run('verify-volumes', {
      ...{ namespace: 'bob', 'read-data': '1/1' },
    });
    assert.equal(status, 'failed');
    assert.equal(results['error-code'], 'volume-damaged');
    assert.ok(message.includes(key), message);
    assert.equal(results['damaged-packs'], key.split('/').at(-1));
    assert.match(await proven('bob/data'), /DAMAGED \d+\w* ago$/);
    const shown = await run('volume-status', { namespace: 'bob' });
    assert.match(String(shown.results['repositories']), /^bob +false /m);
    await box.configure({ 'volumes-keep': 'last=1' });
    const backedUp = await run('backup-volumes', { volumes: 'bob/*' });
    assert.equal(backedUp.results['removed'], '0');
    assert.match(String(backedUp.results['not-removed']), /found damaged/);
    contents.put('ckf-backups', { key, content: whole });
    const mended = await run('verify-volumes', { namespace: 'bob', 'read-data': '1/1' });
    assert.equal(mended.status, 'completed', mended.message);
    assert.match(await proven('bob/data'), /1\/1 read \d+\w* ago$/);
    const next = await run('backup-volumes', { volumes: 'bob/*' });
    assert.equal(next.results['removed'], '2');
  });
});
