import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { openHookTools } from '../../../src/adapters/hook-tools/hook-tools.ts';
import { createRedaction } from '../../../src/adapters/redaction.ts';
import { hasCode } from '../../../src/errors.ts';
import {
  type HookToolsRig,
  cluster,
  foreignSecret,
  grantedSecret,
  hookToolsContract,
  remoteData,
  remoteUnitData,
} from '../../contracts/hook-tools.ts';
import { FakeHookTools } from '../../fakes/hook-tools.ts';
import { newRelation, newSecret, newUnit } from '../../servers/unit-agent/state.ts';
import type { EnteredContext } from '../../servers/unit-agent/context.ts';
import { type UnitAgent, startUnitAgent } from '../../servers/unit-agent/unit-agent.ts';

const id = (uri: string): string => uri.replace('secret:', '');

const openReal = async (
  leader = true,
  bare = false,
  jujuVersion = '3.6.14',
): Promise<HookToolsRig & { readonly agent: UnitAgent; readonly entered: EnteredContext }> => {
  const state = newUnit({
    ...{ leader, jujuVersion },
    config: { transfers: 32, bucket: 'mine' },
    relations: [
      {
        ...newRelation(4, 's3-credentials', 's3-integrator', { ...remoteData }),
        remoteUnitsData: { 's3-integrator/0': { ...remoteUnitData } },
      },
    ],
    secrets: [
      newSecret(id(grantedSecret), 'user', { username: 'u', password: 'p w' }, ['ckf-backup']),
      newSecret(id(foreignSecret), 'user', { username: 'u', password: 'p' }),
    ],
  });
  if (!bare) state.credential = { endpoint: cluster.server, ca: cluster.ca, token: cluster.token };
  const agent = await startUnitAgent({ state });
  if (!bare) await agent.attachStorage('journal');
  const entered = agent.enter({ action: 'backup-control-plane' });
  const { context } = entered;
  const own = () => context.seen.secrets.filter(({ owner }) => owner === 'ckf-backup');
  return {
    ...{ agent, entered },
    tools: openHookTools(entered.environment, createRedaction(), tmpdir()),
    ours: () => context.seen.relations[0]?.localApplicationData ?? {},
    oursOfUnit: () => context.seen.relations[0]?.localUnitData ?? {},
    ownSecrets: () => own().map(({ revisions }) => revisions.at(-1) ?? {}),
    removedRevisions: () => own().flatMap(({ removed = [] }) => removed),
    grants: () => own().flatMap(({ grants }) => grants),
    alarms: () =>
      Object.fromEntries(
        own().flatMap(({ label, expires }) => (label && expires ? [[label, expires]] : [])),
      ),
    status: (of) => {
      const { status, message } = of === 'unit' ? state.unitStatus : state.applicationStatus;
      return { name: status, message };
    },
    results: () => context.action?.results ?? {},
    failure: () => context.action?.failure,
    actionLog: () => context.action?.log ?? [],
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
};

const openFake = async (leader: boolean, bare: boolean): Promise<HookToolsRig> => {
  const tools = new FakeHookTools();
  tools.leader = leader;
  tools.options = { transfers: 32, bucket: 'mine' };
  tools.parameters = { timeout: 1800 };
  const [ours, unit] = [{}, {}];
  tools.relations.set('s3-credentials:4', {
    application: 's3-integrator',
    remote: remoteData,
    ...{ ours, unit, remoteUnits: [remoteUnitData] },
  });
  const content = { username: 'u', password: 'p w' };
  tools.secrets.set(grantedSecret, { content, granted: true, grants: [] });
  tools.secrets.set(foreignSecret, { content, granted: false, grants: [] });
  tools.trusted = !bare;
  if (!bare) [tools.location, tools.credential] = ['/storage/journal/0', cluster];
  const own = () => [...tools.secrets.values()].filter(({ label }) => label !== undefined);
  return {
    tools,
    ours: () => ours,
    oursOfUnit: () => unit,
    ownSecrets: () => own().map((secret) => secret.content),
    removedRevisions: () => tools.removedRevisions.map((removed) => Number(removed.split(' ')[1])),
    grants: () => own().flatMap(({ grants }) => grants),
    alarms: () =>
      Object.fromEntries([...tools.alarms].map(([label, at]) => [label, at.toISOString()])),
    status: (of) =>
      (of === 'unit' ? tools.status : tools.applicationStatus) ?? { name: 'unknown', message: '' },
    results: () => tools.results,
    failure: () => tools.failure,
    actionLog: () => tools.actionLogs,
    [Symbol.asyncDispose]: async () => {},
  };
};

describe('hook tools in memory', () => {
  hookToolsContract(({ leader, bare }) => openFake(leader, bare));
});

describe('hook tools of Juju', () => {
  hookToolsContract(({ leader, bare }) => openReal(leader, bare));

  it('do not say that we are not trusted when credential-get refuses for another reason', async () => {
    await using rig = await openReal();
    const { seen } = rig.entered.context;
    for (const refusal of [
      'cloud spec for a "caas" model not supported',
      'reading in-cluster config: open /var/run/secrets/token: permission denied',
    ]) {
      seen.credentialRefusal = refusal;
      assert.equal(await rig.tools.isTrusted(), undefined);
      assert.equal(await rig.tools.cloudCredential(), undefined);
    }
    seen.credentialRefusal = 'permission denied';
    assert.equal(await rig.tools.isTrusted(), false);
  });

  it('show no control character, whatever a name from outside holds', async () => {
    await using rig = await openReal();
    const text = 'a\u001b[2J\u0007b\r\u202e\u009b1m\nnext line';
    await rig.tools.actionLog(text);
    await rig.tools.actionFail(text);
    const shown = 'a\\x1b[2J\\x07b\\x0d\\x202e\\x9b1m\nnext line';
    assert.ok(rig.actionLog().at(-1)?.endsWith(shown), rig.actionLog().at(-1));
    assert.equal(rig.failure(), shown);
  });

  it('are not asked for more than an argument can hold', async () => {
    await using rig = await openReal();
    const long = 'ü'.repeat(200_000);
    await rig.tools.actionLog(long);
    await rig.tools.actionSet({ long });
    await rig.tools.setStatus({ name: 'active', message: `${long}\0` }, 'unit');
    await rig.tools.log('DEBUG', long);
    const lines = rig.entered.context.logs.map(({ message }) => message);
    assert.equal(lines.join(''), long);
    assert.ok(lines.every((line) => Buffer.byteLength(line) < 131_072));
    assert.equal(rig.actionLog().length, 1);
  });

  it('never show a secret that they have read, in whatever is said', async () => {
    await using rig = await openReal();
    await rig.tools.secret(grantedSecret);
    await rig.tools.applicationData('s3-credentials:4', 's3-integrator');
    const text = `x p w y${remoteData['secret-key']}z`;
    await rig.tools.actionLog(text);
    await rig.tools.actionSet({ text });
    await rig.tools.actionFail(text);
    await rig.tools.setStatus({ name: 'blocked', message: text }, 'unit');
    await rig.tools.log('ERROR', text);
    const said = JSON.stringify([rig.entered.calls, rig.status('unit')]);
    assert.ok(said.includes('<hidden>'));
    assert.ok(!said.includes('s \\"1\\" <&>') && !said.includes('s \\\\\\"1'));
  });

  it('have the content of secrets on no command line', async () => {
    await using rig = await openReal();
    await rig.tools.ownSecret('mine', { 'secret-key': 'unseen-1' });
    await rig.tools.ownSecret('mine', { 'secret-key': 'unseen-2' });
    await rig.tools.setApplicationData('s3-credentials:4', { 'secret-key': 'unseen-3' });
    assert.ok(!JSON.stringify(rig.entered.calls).includes('unseen'));
  });

  for (const version of ['3.4.5', '3.6.14', '4.0.15', '4.1-beta2'])
    it(`know a secret that is not granted by the words of Juju ${version}`, async () => {
      await using rig = await openReal(true, false, version);
      await assert.rejects(rig.tools.secret(foreignSecret), (error) =>
        hasCode(error, 'juju-credentials-not-granted'),
      );
    });

  it('take a storage that is listed and not mounted yet, or not any more, for one that is not there', async () => {
    await using rig = await openReal();
    const [journal] = rig.entered.context.seen.storage['journal'] ?? [];
    assert.ok(journal);
    journal.mounted = false;
    assert.equal(await rig.tools.storageLocation('journal'), undefined);
    rig.entered.context.seen.storage = {};
    assert.equal(await rig.tools.storageLocation('journal'), undefined);
  });

  it('show a rotated secret at once', async () => {
    await using rig = await openReal();
    await rig.tools.secret(grantedSecret);
    const next = { username: 'u', password: 'next' };
    for (const state of [rig.agent.state, rig.entered.context.seen])
      state.secrets[0]?.revisions.push(next);
    assert.deepEqual(await rig.tools.secret(grantedSecret), next);
  });

  it('fail with their own words when something is wrong with them', async () => {
    await using rig = await openReal();
    rig.entered.leave(0);
    await assert.rejects(rig.tools.isLeader(), {
      message: /^Juju's is-leader failed with exit status 1: wrong context ID/,
    });
    await assert.rejects(openHookTools({ PATH: '/nowhere' }, createRedaction(), '/tmp').config());
  });
});
