import assert from 'node:assert/strict';
import type { UnitAgentState } from '../servers/unit-agent/state.ts';
import { expectedState, visibleState } from './expected-state.ts';
import { type HookEvent, hookEvents } from './hook-events.ts';
import { type Lane, giveCredentials, openLane } from './lane.ts';
import { databags, relations, unitWith } from './world-of-relations.ts';

const beforeData = (leader: boolean): UnitAgentState =>
  unitWith([relations.s3({}), relations.minio({}), relations.kfpDb({}), relations.katibDb({})], {
    leader,
  });

const afterData = (leader: boolean): UnitAgentState => {
  const { track2, mysql84 } = databags;
  const state = unitWith(
    [relations.s3(track2), relations.minio(), relations.kfpDb(), relations.katibDb(mysql84)],
    { leader },
  );
  giveCredentials(state);
  return state;
};

const cases = [beforeData, afterData].flatMap((state) =>
  [true, false].map((leader) => ({
    name: `${state.name}, leader ${leader}`,
    state: state(leader),
  })),
);

/**
 * State in, event, state out: through the shell's dispatch, the built charm, and a process for each
 * hook tool.
 */
describe('every hook', () => {
  const outcomes = new Map(
    hookEvents.map((event) => [event, Promise.withResolvers<undefined>()] as const),
  );

  const outcomeOf = (event: HookEvent) => outcomes.get(event) ?? assert.fail(event.hook);

  // Two at a time, because each of them waits for processes.
  before(() => {
    const left = [...hookEvents];
    const work = async (): Promise<void> => {
      await using lane = await openLane();
      for (let event = left.shift(); event !== undefined; event = left.shift()) {
        const outcome = outcomeOf(event);
        await judge(lane, event).then(() => {
          outcome.resolve(undefined);
        }, outcome.reject);
      }
    };
    for (const { promise } of outcomes.values()) promise.catch(() => undefined);
    // A lane that does not open, or breaks, leaves hooks without an outcome: they fail, too.
    Promise.all([work(), work()]).catch((error: unknown) => {
      for (const { reject } of outcomes.values()) reject(error);
    });
  });

  for (const event of hookEvents)
    it(`leaves the state that is promised: ${event.hook}`, async () => {
      await outcomeOf(event).promise;
    });
});

const judge = async (lane: Lane, event: HookEvent): Promise<void> => {
  for (const { name, state } of cases) {
    const { after, dispatch } = await lane.run(state, event);
    const { exitCode, stdout, stderr, calls } = dispatch;
    assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: 0, stdout: '', stderr: '' }, name);
    assert.deepEqual(visibleState(after), expectedState(state, event), name);
    // What is not there yet is asked for all the same; nothing else may be refused.
    const refused = calls.filter((call) => call.exitCode !== 0);
    // Juju runs this hook for the owner of a secret; here the secret is s3-integrator's.
    const mayBeRefused = event.hook === 'secret-remove' ? ['secret-remove'] : [];
    assert.ok(
      refused.every(({ tool }) => ['secret-info-get', ...mayBeRefused].includes(tool)),
      JSON.stringify(refused),
    );
  }
};
