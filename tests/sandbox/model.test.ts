import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApplicationDefinition } from './model-application.ts';
import { createModel } from './model.ts';
import type { Model } from './model.ts';

describe('the simulated Juju model', () => {
  let model: Model;
  const story: string[] = [];
  const { promise: gate, resolve: openGate } = Promise.withResolvers<undefined>();

  const database: ApplicationDefinition = {
    name: 'kfp-db',
    charm: 'mysql-k8s',
    revision: 344,
    actions: {
      quick: async ({ unit, log }) => {
        log('at work');
        return { results: { unit } };
      },
      slow: async ({ signal }) => {
        await delay(10_000, undefined, { signal });
        return {};
      },
      gated: async () => {
        await gate;
        return {};
      },
      crashing: async () => {
        throw new Error('a bug');
      },
      picky: {
        handler: async ({ parameters }) => ({ results: parameters }),
        parameters: { force: { type: 'boolean', default: false } },
        additionalProperties: false,
      },
    },
    onUnitAdded: async (unit) => {
      story.push(`${unit} added`);
    },
    onUnitReady: async (unit) => {
      story.push(`${unit} ready`);
    },
    onUnitRemoved: async (unit) => {
      story.push(`${unit} removed`);
    },
  };

  beforeEach(() => {
    story.length = 0;
    model = createModel({ pace: 1 });
    model.addApplication(database);
  });

  afterEach(() => {
    model.stop();
  });

  const units = () => model.application('kfp-db').units;

  it('brings a new unit up in steps, and lets the highest number leave first', async () => {
    const seen = new Set<string>();
    model.onChange(() => {
      const unit = units()[1];
      if (unit) seen.add(`${unit.workload.status}/${unit.agent.status}`);
    });
    model.setScale('kfp-db', 3);
    await model.settled('kfp-db');
    assert.deepEqual([...seen], ['waiting/allocating', 'maintenance/executing', 'active/idle']);
    model.setScale('kfp-db', 1);
    await model.settled('kfp-db');
    assert.deepEqual(story.slice(-2), ['kfp-db/2 removed', 'kfp-db/1 removed']);
  });

  it('starts again with unit 0 as the leader after a scale of 0', async () => {
    model.setScale('kfp-db', 0);
    await model.settled('kfp-db');
    model.setScale('kfp-db', 1);
    await model.settled('kfp-db');
    assert.deepEqual(
      units().map(({ name, leader }) => ({ name, leader })),
      [{ name: 'kfp-db/0', leader: true }],
    );
  });

  it('leaves a unit in allocating while there is no room, and takes it away again without a hook', async () => {
    model.change(({ applications }) => (applications['kfp-db']!.scheduling = 'pending'));
    model.setScale('kfp-db', 2);
    await model.until(() => units().length === 2);
    await delay(20);
    assert.equal(units()[1]!.agent.status, 'allocating');
    model.setScale('kfp-db', 1);
    await model.settled('kfp-db');
    assert.deepEqual(story, []);
  });

  it('keeps a unit whose hook failed until the error is resolved', async () => {
    model.setWorkload('kfp-db/0', 'error', 'hook failed: "start"');
    model.setScale('kfp-db', 0);
    await delay(20);
    assert.equal(units()[0]!.life, 'dying');
    model.setWorkload('kfp-db/0', 'active');
    await model.settled('kfp-db');
    assert.deepEqual(units(), []);
  });

  it('runs the actions of a unit one at a time, and none on a unit that comes up', async () => {
    const gated = model.enqueue('kfp-db/0', 'gated', {});
    const next = model.enqueue('kfp-db/0', 'quick', {});
    await model.until(() => gated.status === 'running');
    await delay(10);
    assert.equal(next.status, 'pending');
    assert.deepEqual(units()[0]!.agent.message, 'running action gated');
    openGate(undefined);
    await model.ended(next.id);
    assert.equal(gated.status, 'completed');
    assert.deepEqual(next.output, { unit: 'kfp-db/0', 'return-code': 0 });
    assert.deepEqual(
      next.log.map(({ message }) => message),
      ['at work'],
    );
  });

  it('lets a unit finish its action before it leaves, and cancels what still waits', async () => {
    model.setScale('kfp-db', 2);
    await model.settled('kfp-db');
    const running = model.enqueue('kfp-db/1', 'slow', {});
    const waiting = model.enqueue('kfp-db/1', 'quick', {});
    await model.until(() => running.status === 'running');
    model.setScale('kfp-db', 1);
    await delay(10);
    assert.equal(units().length, 2);
    model.cancel(running.id);
    await model.settled('kfp-db');
    assert.equal(running.status, 'aborted');
    assert.equal(waiting.status, 'cancelled');
  });

  it('tells a charm that crashed from one that failed, and fills in defaults', async () => {
    const crashed = await model.ended(model.enqueue('kfp-db/leader', 'crashing', {}).id);
    assert.equal(crashed.message, 'exit status 1');
    const picky = await model.ended(model.enqueue('kfp-db/0', 'picky', {}).id);
    assert.equal(picky.output['force'], false);
    assert.throws(() => model.enqueue('kfp-db/0', 'picky', { other: 1 }), /not allowed/);
  });

  it('remembers every scale and action with the state at that instant', async () => {
    model.setScale('kfp-db', 2);
    await model.settled('kfp-db');
    model.enqueue('kfp-db/1', 'quick', {});
    const [scale, enqueue] = model.changes;
    assert.deepEqual(scale!.model['kfp-db'], { scale: 1, units: { 'kfp-db/0': 'active/idle' } });
    assert.equal(enqueue!.kind, 'enqueue');
    assert.deepEqual(enqueue!.model['kfp-db']!.units, {
      'kfp-db/0': 'active/idle',
      'kfp-db/1': 'active/idle',
    });
  });

  it('goes on from what was saved: what ran has been killed, what waited goes on', async () => {
    const running = model.enqueue('kfp-db/0', 'slow', {});
    const waiting = model.enqueue('kfp-db/0', 'quick', {});
    await model.until(() => running.status === 'running');
    model.setScale('kfp-db', 2);
    const saved = createSaved(model);
    const loaded = createModel({ saved, pace: 1 });
    loaded.addApplication(database);
    assert.equal(loaded.task(running.id).message, 'action terminated');
    assert.equal((await loaded.ended(waiting.id)).status, 'completed');
    await loaded.settled('kfp-db');
    assert.equal(loaded.application('kfp-db').units.length, 2);
    loaded.stop();
  });
});

describe('the simulated Juju model of a release', () => {
  const database: ApplicationDefinition = {
    name: 'kfp-db',
    charm: 'mysql-k8s',
    saysInHooks: 'Checking',
    actions: {
      quick: async () => ({}),
      slow: async ({ signal }) => {
        await delay(10_000, undefined, { signal });
        return {};
      },
    },
  };
  let model: Model;
  const open = (options: Parameters<typeof createModel>[0]) => {
    model = createModel({ pace: 1, ...options });
    model.addApplication(database);
  };
  const unitNames = () => model.application('kfp-db').units.map(({ name }) => name);
  const scaleTo = async (units: number) => {
    model.setScale('kfp-db', units);
    await model.settled('kfp-db');
  };

  afterEach(() => {
    model.stop();
  });

  it('4.1 takes the lowest unit away, makes another one the leader, and uses no number twice', async () => {
    open({ line: '4.1' });
    await scaleTo(2);
    await scaleTo(1);
    assert.deepEqual(unitNames(), ['kfp-db/1']);
    assert.equal(model.unit('kfp-db/1').leader, true);
    await scaleTo(0);
    await scaleTo(1);
    assert.deepEqual(unitNames(), ['kfp-db/2']);
  });

  for (const line of ['3.4', '3.6', '4.0'] as const)
    it(`${line} takes the highest unit away, and starts again with 0`, async () => {
      open({ line });
      await scaleTo(2);
      await scaleTo(1);
      assert.deepEqual(unitNames(), ['kfp-db/0']);
      await scaleTo(0);
      await scaleTo(1);
      assert.deepEqual(unitNames(), ['kfp-db/0']);
    });

  it('4.0 does not cancel, and forgets a task whose pod was force-deleted', async () => {
    open({ line: '4.0' });
    const task = model.enqueue('kfp-db/0', 'slow', {});
    await model.until(() => task.status === 'running');
    model.cancel(task.id);
    await delay(10);
    assert.equal(task.status, 'running');
    model.losePod('kfp-db/0');
    const next = await model.ended(model.enqueue('kfp-db/0', 'quick', {}).id);
    assert.deepEqual([task.status, next.status], ['running', 'completed']);
    await scaleTo(0);
  });

  it('3.6 fails a task whose pod was force-deleted', async () => {
    open({ line: '3.6' });
    const task = model.enqueue('kfp-db/0', 'slow', {});
    await model.until(() => task.status === 'running');
    model.losePod('kfp-db/0');
    assert.equal((await model.ended(task.id)).message, 'action terminated');
  });

  it('4.0 says that a new unit is active and idle before its storage comes', async () => {
    open({ line: '4.0' });
    const seen: string[] = [];
    model.onChange(() => {
      const unit = model.application('kfp-db').units[1];
      const now = unit && `${unit.workload.status}/${unit.agent.status}`;
      if (now !== undefined && now !== seen.at(-1)) seen.push(now);
    });
    model.setScale('kfp-db', 2);
    await model.until(() => seen.filter((status) => status === 'active/idle').length === 2);
    assert.deepEqual(seen.slice(-3), ['active/idle', 'maintenance/executing', 'active/idle']);
  });

  it('lets a charm be in maintenance for the time of its update-status, without an action at the same time', async () => {
    open({ updateStatusEvery: 5 });
    const unit = model.unit('kfp-db/0');
    await model.until(() => unit.workload.status === 'maintenance');
    assert.deepEqual([unit.workload.message, unit.agent.status], ['Checking', 'idle']);
    const task = model.enqueue('kfp-db/0', 'quick', {});
    await model.until(() => task.status === 'running');
    assert.equal(unit.workload.status, 'active');
  });
});

const createSaved = (model: Model) => {
  const saved = model.save();
  assert.deepEqual(JSON.parse(JSON.stringify(saved)), JSON.parse(JSON.stringify(model.state)));
  model.stop();
  return saved;
};
