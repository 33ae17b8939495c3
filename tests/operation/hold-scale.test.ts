import { waitForScale } from '../../src/operation/wait-for-scale.ts';
import assert from 'node:assert/strict';
import { holdScale } from '../../src/operation/hold-scale.ts';
import { putBack } from '../../src/operation/put-back.ts';
import { CharmError } from '../../src/errors.ts';
import { aScaleWorld } from '../rigs/scale-world.ts';
import { addScriptedDatabase } from '../rigs/scripted-database.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

const entryOf = (application: string, scale: number, changedTo: number) => ({
  application,
  scale,
  changedTo,
  since: '2026-11-21T20:00:00.000Z',
});

describe('held scale', () => {
  it('is in the journal before Juju hears of it', async () => {
    using world = aScaleWorld();
    world.model.addApplication({ name: 'kfp-db', charm: 'mysql-k8s', units: 1 });
    world.journal.failure = new CharmError('disk-full', 'no space');
    await rejectsWithCode(
      holdScale(world, await world.applicationNamed('kfp-db'), 2, 60),
      'disk-full',
    );
    assert.deepEqual(world.model.changes, []);
  });

  it('is put back to what it was, and then the journal is empty', async () => {
    using world = aScaleWorld();
    world.model.addApplication({ name: 'kfp-db', charm: 'mysql-k8s', units: 3 });
    {
      await using _held = await holdScale(world, await world.applicationNamed('kfp-db'), 4, 60);
      await waitForScale(world, 'kfp-db', { units: 4, timeoutSeconds: 60 });
      assert.equal(world.model.application('kfp-db').units.length, 4);
      assert.equal(world.journal.kept.get('kfp-db')?.scale, 3);
    }
    assert.equal(world.model.application('kfp-db').units.length, 3);
    assert.equal(world.journal.kept.size, 0);
  });

  it('is forgotten when Juju refuses the change', async () => {
    using world = aScaleWorld();
    world.model.addApplication({ name: 'kfp-db', charm: 'mysql-k8s', units: 1 });
    const application = await world.applicationNamed('kfp-db');
    world.juju.failNext('scale', new CharmError('juju-refused', 'changes are disabled'));
    await rejectsWithCode(holdScale(world, application, 2, 60), 'juju-refused');
    assert.equal(world.journal.kept.size, 0);
    assert.equal(world.model.application('kfp-db').scale, 1);
  });

  it('names the unit that does not come, and what it says', async () => {
    using world = aScaleWorld();
    world.model.addApplication({ name: 'kfp-db', charm: 'mysql-k8s', units: 1 });
    world.model.change(({ applications }) => {
      applications['kfp-db']!.scheduling = 'pending';
    });
    await using _held = await holdScale(world, await world.applicationNamed('kfp-db'), 2, 60);
    const { message } = await rejectsWithCode(
      waitForScale(world, 'kfp-db', { units: 2, timeoutSeconds: 60 }),
      'scale-timed-out',
    );
    assert.match(message, /kfp-db did not reach 2 units within 60 s/);
  });

  it('is left alone when an operator has scaled the application since', async () => {
    using world = aScaleWorld();
    world.model.addApplication({ name: 'kfp-db', charm: 'mysql-k8s', units: 1 });
    const held = await holdScale(world, await world.applicationNamed('kfp-db'), 2, 60);
    world.model.setScale('kfp-db', 5);
    await held.putBack();
    assert.equal(world.model.application('kfp-db').scale, 5);
    assert.equal(world.journal.kept.size, 0);
  });

  const leaving = [
    ['3.6', 'kfp-db/1'],
    ['4.0', 'kfp-db/1'],
    // Which of them goes is Juju's choice.
    ['4.1', 'kfp-db/0'],
    ['4.1', 'kfp-db/1'],
  ] as const;
  for (const [line, unit] of leaving)
    it(`waits for an action on ${unit}, which may have to leave on Juju ${line}`, async () => {
      using world = aScaleWorld(line);
      const { promise, resolve } = Promise.withResolvers<undefined>();
      let scaledDuring: number | undefined;
      world.model.addApplication({
        name: 'kfp-db',
        charm: 'mysql-k8s',
        units: 2,
        actions: {
          'create-backup': async () => {
            await promise;
            scaledDuring = world.model.application('kfp-db').scale;
            return { results: {} };
          },
        },
      });
      world.model.enqueue(unit, 'create-backup', {});
      await world.model.until(({ applications }) =>
        applications['kfp-db']!.units.some(({ agent }) => agent.status === 'executing'),
      );
      await world.journal.record(entryOf('kfp-db', 1, 2));
      setTimeout(() => {
        resolve(undefined);
      }, 20);
      assert.deepEqual(await putBack(world.whole), []);
      assert.equal(scaledDuring, 2);
      assert.equal(world.model.application('kfp-db').scale, 1);
    });

  for (const unit of ['kfp-db/0', 'kfp-db/1'])
    it(`is not put back on Juju 4.1 while ${unit} is offline, because any unit may be the one that stays`, async () => {
      using world = aScaleWorld('4.1');
      const { states } = addScriptedDatabase(world.model, 'kfp-db', 1);
      const held = await holdScale(world, await world.applicationNamed('kfp-db'), 2, 60);
      await waitForScale(world, 'kfp-db', { units: 2, timeoutSeconds: 60 });
      states.set(unit, 'offline');
      const { message } = await rejectsWithCode(held.putBack(), 'scale-refused');
      assert.ok(message.includes(`${unit}, which may be the one that stays, is offline`), message);
      assert.equal(world.model.application('kfp-db').scale, 2);
    });

  it('is not put back while the member that would stay is offline, and the journal keeps it', async () => {
    using world = aScaleWorld();
    const { states } = addScriptedDatabase(world.model, 'kfp-db', 1);
    const held = await holdScale(world, await world.applicationNamed('kfp-db'), 2, 60);
    await waitForScale(world, 'kfp-db', { units: 2, timeoutSeconds: 60 });
    states.set('kfp-db/0', 'offline');
    const { message } = await rejectsWithCode(held.putBack(), 'scale-refused');
    assert.match(message, /kfp-db\/0, which may be the one that stays, is offline/);
    assert.match(message, /juju scale-application kfp-db 1/);
    assert.equal(world.model.application('kfp-db').scale, 2);
    assert.equal(world.journal.kept.size, 1);
    states.clear();
    assert.deepEqual(await putBack(world.whole), []);
    assert.equal(world.model.application('kfp-db').scale, 1);
  });

  it('that cannot be put back stays in the journal, and the message says how to do it by hand', async () => {
    using world = aScaleWorld();
    world.model.addApplication({ name: 'kfp-db', charm: 'mysql-k8s', units: 1 });
    const held = await holdScale(world, await world.applicationNamed('kfp-db'), 2, 60);
    world.juju.failNext('status', new CharmError('juju-unreachable', 'The controller is away.'));
    const { message } = await rejectsWithCode(held.putBack(), 'scale-refused');
    assert.match(message, /juju scale-application kfp-db 1/);
    assert.equal(world.journal.kept.size, 1);
  });
});

describe('putting back while the controller is away', () => {
  const never = (): Promise<never> => new Promise(() => undefined);

  it('is given up in time, and the journal keeps it', async () => {
    using world = aScaleWorld();
    await world.journal.record(entryOf('kfp-db', 1, 2));
    const openJuju = async () => ({
      ...world.juju,
      status: never,
      [Symbol.asyncDispose]: async () => undefined,
    });
    const before = world.clock.now().getTime();
    const [problem] = await putBack({ ...world.whole, openJuju });
    assert.match(problem!.message, /juju scale-application kfp-db 1/);
    assert.equal(world.journal.kept.size, 1);
    assert.ok(world.clock.now().getTime() - before < 130_000);
  });

  it('keeps nobody waiting who is asked to stop', async () => {
    using world = aScaleWorld();
    const stop = new AbortController();
    world.juju.status = never;
    const waiting = waitForScale(world, 'kfp-db', {
      units: 2,
      timeoutSeconds: 1800,
      signal: stop.signal,
    });
    stop.abort(new CharmError('interrupted', 'Asked to stop.'));
    await rejectsWithCode(waiting, 'interrupted');
  });

  it('undoes a change that was asked for and not answered when the unit had to stop', async () => {
    using world = aScaleWorld();
    world.model.addApplication({ name: 'kfp-db', charm: 'mysql-k8s', units: 1 });
    const stop = new AbortController();
    const application = await world.applicationNamed('kfp-db');
    const scale = world.juju.scale.bind(world.juju);
    world.juju.scale = async (...argv) => {
      await scale(...argv);
      world.juju.scale = scale;
      setTimeout(() => {
        stop.abort(new CharmError('interrupted', 'Asked to stop.'));
      });
      return never();
    };
    const holding = holdScale({ ...world, signal: stop.signal }, application, 2, 1800);
    await rejectsWithCode(holding, 'interrupted');
    assert.equal(world.model.application('kfp-db').scale, 1);
    assert.equal(world.journal.kept.size, 0);
  });

  it('leaves a pod that is asked to stop the time to end well', async () => {
    using world = aScaleWorld();
    world.model.addApplication({ name: 'kfp-db', charm: 'mysql-k8s', units: 1 });
    const stop = new AbortController();
    const application = await world.applicationNamed('kfp-db');
    const held = await holdScale({ ...world, signal: stop.signal }, application, 2, 1800);
    world.juju.status = never;
    const failed = rejectsWithCode(held.putBack(), 'scale-refused');
    const before = world.clock.now().getTime();
    stop.abort(new CharmError('interrupted', 'Asked to stop.'));
    await failed;
    assert.ok(world.clock.now().getTime() - before <= 25_000);
    assert.equal(world.journal.kept.size, 1);
  });
});

describe('putting back what a killed process left', () => {
  it('does nothing, not even log in, when the journal is empty', async () => {
    using world = aScaleWorld();
    await putBack({ ...world.whole, openJuju: () => assert.fail('logged in') });
  });

  it('starts stopped applications first', async () => {
    using world = aScaleWorld();
    world.model.addApplication({ name: 'kfp-db', charm: 'mysql-k8s', units: 2 });
    world.model.addApplication({
      name: 'kfp-metadata-writer',
      charm: 'kfp-metadata-writer',
      units: 0,
    });
    await world.journal.record(entryOf('kfp-db', 1, 2));
    await world.journal.record(entryOf('kfp-metadata-writer', 1, 0));
    assert.deepEqual(await putBack(world.whole), []);
    assert.deepEqual(
      world.model.changes.flatMap((change) =>
        change.kind === 'scale' ? [[change.application, change.to]] : [],
      ),
      [
        ['kfp-metadata-writer', 1],
        ['kfp-db', 1],
      ],
    );
    assert.equal(world.journal.kept.size, 0);
  });

  it('goes on with the others when one cannot be put back, and tells which', async () => {
    using world = aScaleWorld();
    world.model.addApplication({ name: 'kfp-db', charm: 'mysql-k8s', units: 2 });
    world.model.addApplication({ name: 'katib-db', charm: 'mysql-k8s', units: 2 });
    await world.journal.record(entryOf('kfp-db', 1, 2));
    await world.journal.record(entryOf('katib-db', 1, 2));
    world.juju.failNext('scale', new CharmError('juju-refused', 'changes are disabled'));
    const problems = await putBack(world.whole);
    assert.equal(problems.length, 1);
    assert.deepEqual([...world.journal.kept.keys()], ['kfp-db']);
    assert.equal(world.model.application('katib-db').scale, 1);
  });

  it('forgets an application that has been removed', async () => {
    using world = aScaleWorld();
    await world.journal.record(entryOf('kfp-db', 1, 2));
    assert.deepEqual(await putBack(world.whole), []);
    assert.equal(world.journal.kept.size, 0);
  });

  it('says so when the controller is away, and keeps everything', async () => {
    using world = aScaleWorld();
    await world.journal.record(entryOf('kfp-db', 1, 2));
    const away = new CharmError('juju-unreachable', 'The controller is away.');
    await world.journal.record(entryOf('kfp-metadata-writer', 3, 0));
    const problems = await putBack({ ...world.whole, openJuju: () => Promise.reject(away) });
    assert.equal(problems.length, 1);
    assert.match(problems[0]!.message, /juju scale-application kfp-db 1;/);
    assert.match(problems[0]!.message, /juju scale-application kfp-metadata-writer 3\./);
    assert.match(problems[0]!.message, /The controller is away/);
    assert.equal(world.journal.kept.size, 2);
  });
});
