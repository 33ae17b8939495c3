import assert from 'node:assert/strict';
import { clusterStatus } from '../../src/operation/cluster-status.ts';
import {
  lastingUnit,
  losesLowestUnit,
  mayLeave,
  staying,
} from '../../src/operation/leaving-units.ts';
import { type JujuLine, jujuReleases } from '../servers/juju/release.ts';
import { aScaleWorld } from '../rigs/scale-world.ts';
import { addScriptedDatabase } from '../rigs/scripted-database.ts';

const juju = (line: JujuLine) => ({ controllerVersion: jujuReleases[line].version });

describe('the units that leave', () => {
  it('are the lowest since Juju 4.1', () => {
    const lines = Object.keys(jujuReleases) as JujuLine[];
    assert.deepEqual(
      lines.filter((line) => losesLowestUnit(juju(line))),
      ['4.1'],
    );
    assert.ok(losesLowestUnit({ controllerVersion: '5.0.1' }));
  });

  for (const line of Object.keys(jujuReleases) as JujuLine[])
    it(`are those that Juju ${line} takes away`, async () => {
      using world = aScaleWorld(line);
      world.model.addApplication({ name: 'kfp-db', charm: 'mysql-k8s', units: 3 });
      const before = await world.applicationNamed('kfp-db');
      const names = (units: typeof before.units) => units.map(({ name }) => name);
      const last = lastingUnit(world.juju, before);
      world.model.setScale('kfp-db', 2);
      await world.model.settled('kfp-db');
      const after = names((await world.applicationNamed('kfp-db')).units);
      assert.deepEqual(names(staying(world.juju, before, 2)), after);
      assert.deepEqual(staying(world.juju, before, 0), []);
      const leavers = names(mayLeave(world.juju, before, 2));
      for (const name of names(before.units))
        assert.ok(after.includes(name) || leavers.includes(name), name);
      world.model.setScale('kfp-db', 1);
      await world.model.settled('kfp-db');
      assert.deepEqual(names((await world.applicationNamed('kfp-db')).units), [last]);
    });

  it('are not asked for the state of a cluster that they have left', async () => {
    using world = aScaleWorld('4.1');
    addScriptedDatabase(world.model, 'kfp-db', 2);
    const before = await world.applicationNamed('kfp-db');
    world.model.setScale('kfp-db', 1);
    await world.model.settled('kfp-db');
    await clusterStatus(world.juju, before);
    const asked = world.model.changes.flatMap((change) =>
      change.kind === 'enqueue' ? [change.unit] : [],
    );
    assert.deepEqual(asked, ['kfp-db/1']);
  });
});
