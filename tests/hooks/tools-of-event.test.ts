import assert from 'node:assert/strict';
import { type Charm, handle } from '../../src/charm.ts';
import { toolsOfEvent } from '../../src/hooks/tools-of-event.ts';
import { unitRig } from '../rigs/unit.ts';

const hook = (name: string, relationId?: string) => ({ kind: 'hook', name, relationId }) as const;
const ready = { name: 'active', message: 'Ready; no backup is known yet' } as const;

/** A unit that a database is related to, and whose calls of hook tools are written down. */
const countedUnit = () => {
  const rig = unitRig();
  rig.tools.relations.set('kfp-db:7', {
    application: 'kfp-db',
    remote: { 'requested-secrets': '[]' },
    ours: {},
  });
  const calls: string[] = [];
  const tools = new Proxy(rig.tools, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...words: readonly unknown[]): unknown => {
        calls.push([String(name), ...words.filter((word) => typeof word === 'string')].join(' '));
        return Reflect.apply(value, target, words);
      };
    },
  });
  const charm: Charm = { ...rig.unit, tools, openWorld: (config) => rig.unit.openWorld(config) };
  const run = async (name: string): Promise<readonly string[]> => {
    calls.length = 0;
    await handle(hook(name), charm);
    return [...calls];
  };
  return { ...rig, charm, run };
};

describe('the hook tools of an event', () => {
  it('are not asked twice for a databag, but after it was written', async () => {
    const { tools } = unitRig();
    let asked = 0;
    const counted = toolsOfEvent(
      Object.assign(tools, {
        applicationData: async () => ({ times: String((asked += 1)) }),
      }),
      hook('config-changed'),
    );
    const read = async () =>
      (await counted.applicationData('s3-credentials:4', 'ckf-backup'))['times'];
    assert.deepEqual([await read(), await read()], ['1', '1']);
    await counted.setApplicationData('s3-credentials:4', { bucket: 'b' });
    assert.deepEqual([await read(), await read()], ['2', '2']);
  });

  it('write nothing in update-status of an active unit, not what it shows already either', async () => {
    const { run, tools } = countedUnit();
    await run('config-changed');
    assert.deepEqual(tools.status, ready);
    const calls = await run('update-status');
    assert.deepEqual(
      calls.filter((call) => /^(set|grant|remove|own)|kfp-db/i.test(call)),
      [],
    );
    assert.deepEqual([tools.status, tools.applicationStatus], [ready, ready]);
  });

  it('set in update-status what is shown no longer', async () => {
    const { run, tools, journal } = countedUnit();
    await run('config-changed');
    await journal.setLastBackup({ id: '2026-11-21T20:15:00Z', bytes: 5, consistent: true });
    await run('update-status');
    assert.match(tools.status.message, /2026-11-21T20:15:00Z/);
    assert.deepEqual(tools.applicationStatus, tools.status);
  });

  it('give the relations what they lack in update-status of a unit that is not active', async () => {
    const { run, tools } = countedUnit();
    await tools.setStatus({ name: 'waiting', message: 'for credentials' }, 'unit');
    await run('update-status');
    assert.equal(tools.relations.get('kfp-db:7')?.ours['access-key'], 'AK');
  });

  // A restore that was killed may have moved the path of a database in the journal only.
  it('give the relations what they lack when there is something to put back', async () => {
    const { run, tools, journal } = countedUnit();
    await tools.setStatus(ready, 'unit');
    await journal.record({
      ...{ application: 'kfp-db', scale: 1, changedTo: 2 },
      since: '2026-11-26T10:40:00Z',
    });
    await run('update-status');
    assert.equal(tools.relations.get('kfp-db:7')?.ours['access-key'], 'AK');
  });

  // It may say that it is active then, and no update-status looks at its relations.
  it('give the relations what they lack after an action', async () => {
    const { charm, tools } = countedUnit();
    await handle({ kind: 'action', name: 'list-sessions', task: '1' }, charm);
    assert.equal(tools.relations.get('kfp-db:7')?.ours['access-key'], 'AK');
  });
});
