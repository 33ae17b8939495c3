import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionRun, StartedAction } from '../sandbox/box/actions.ts';
import type { Box } from '../sandbox/box.ts';
import { assertNoDebris, assertNothingLeft, assertPutBack, calmOf } from './aftermath.ts';
import { setsIn } from './intact.ts';
import { type Hit, nameOf, strikeTeam, type TeamBlow } from './team-blows.ts';
import { ageClaimsOfDead, ageShards } from './team-claims.ts';
import { changeBucket, changeMeanwhile, slowly, type UnitsRig } from './units-rig.ts';
import { eventually, processesWith } from './processes.ts';

/*
 * Four units of the box that share a backup, a restore or a deep verification, each a process of
 * the real `dispatch`, of which some are killed: see docs/explanation/scale.md.
 */

export interface UnitsPlan {
  readonly action: 'backup-control-plane' | 'restore-control-plane' | 'verify-backup';
  /** The action is begun so often, and struck each time. */
  readonly attempts: readonly Attempt[];
  /** How slowly what is large is sent; by default at random. */
  readonly bytesPerSecond?: number;
}

interface Attempt {
  readonly blows: readonly TeamBlow[];
  /** Whether the units that help a leader who died notice it before anything else begins. */
  readonly isPatient: boolean;
}

/** What came of an attempt. */
export interface Struck {
  readonly hits: readonly Hit[];
  /** How many units had finished a shard; undefined when the leader did not come to say it. */
  readonly sharers: number | undefined;
}

/**
 * An action that four units share, begun again and again while some of them are struck, and then
 * once more, undisturbed. Fails when a promise is broken: every listed set is exact, an action
 * whose leader lives comes to its end, the next hook of each unit that was killed and the last
 * action succeed, and afterwards nothing of any of them is left.
 */
export const playUnitsRound = async (
  units: UnitsRig,
  { attempts, ...plan }: UnitsPlan,
): Promise<readonly Struck[]> => {
  const { rig, bucket } = units;
  const { box } = rig;
  const { action } = plan;
  const calm = calmOf(box);
  const newest = setsIn(box).at(-1) ?? assert.fail('there is no set');
  const start = (): StartedAction => box.start(action, parametersOf(action, box, newest));
  const struck: Struck[] = [];
  let last: ActionRun | undefined;
  let ages = (_unit: string): boolean => false;
  using _dead = ageClaimsOfDead(box, (unit) => ages(unit));
  for (const attempt of attempts) {
    changeBucket(units);
    const hits: Hit[] = [];
    const earlier = ages;
    ages = (unit) =>
      (isStruck(unit, hits) && (unit !== leader || attempt.isPatient)) || earlier(unit);
    const run = await strike(units, { ...plan, ...attempt, hits }, start);
    const [, sharers] = / by (\d) units?: /.exec(run.log.join('\n')) ?? [];
    struck.push({ hits, sharers: sharers === undefined ? undefined : Number(sharers) });
    last = run;
  }
  if (action !== 'backup-control-plane') {
    const done = last?.status === 'completed' ? last : await untilDone(box, start);
    if (action === 'verify-backup') assert.equal(done.results['result'], 'intact');
    else bucket.assertRestored(newest);
    bucket.adopt();
    ageShards(box);
  }
  const since = box.model.state.tasks.length;
  await backUp(units);
  await helpersEnd(box, since, []);
  assertExact(units, setsIn(box));
  assertNoDebris(box, setsIn(box));
  await box.hook('update-status');
  assertPutBack(box, rig.journal, calm);
  await assertNothingLeft(box, rig.journal);
  await assertHelpersGone(box);
  return struck;
};

/** `hits` is added to. */
type Striking = Omit<UnitsPlan, 'attempts'> & Pick<Attempt, 'blows'> & { readonly hits: Hit[] };

/** One attempt, and the next hook of each unit that was killed. */
const strike = async (
  units: UnitsRig,
  { isPatient, ...striking }: Striking & Attempt,
  start: () => StartedAction,
): Promise<ActionRun> => {
  const { box } = units.rig;
  const { hits } = striking;
  const earlier = setsIn(box);
  const since = box.model.state.tasks.length;
  const run = await during(units, striking, start);
  checkEnd(run, hits);
  if (isPatient || !isStruck(leader, hits)) await helpersEnd(box, since, hits);
  for (const unit of new Set(hits.map((hit) => hit.unit))) await nextHook(box, unit);
  assert.deepEqual(setsIn(box).slice(0, earlier.length), earlier);
  assertExact(units, setsIn(box).slice(earlier.length));
  return run;
};

const leader = nameOf(0);

const isStruck = (unit: string, hits: readonly Hit[]): boolean =>
  hits.some((hit) => hit.unit === unit);

const parametersOf = (
  action: UnitsPlan['action'],
  box: Box,
  id: string,
): Readonly<Record<string, unknown>> =>
  action === 'backup-control-plane'
    ? {}
    : action === 'verify-backup'
      ? { 'backup-id': id, deep: true }
      : { 'backup-id': id, confirm: box.model.state.name };

/** The action, while units are struck and, during a backup, users go on. */
const during = async (
  units: UnitsRig,
  { action, blows, hits, bytesPerSecond }: Striking,
  start: () => StartedAction,
): Promise<ActionRun> => {
  const { box } = units.rig;
  using _slowly = slowly(units, bytesPerSecond);
  using _users = action === 'backup-control-plane' ? changeMeanwhile(units) : undefined;
  using _blows = strikeTeam(box, { blows, hits, usual: units.usual });
  const from = performance.now();
  const run = await untilBegun(start);
  noteSets(units, from);
  return run;
};

/** Sets that nobody knew were made since then. */
const noteSets = ({ rig: { box }, spans }: UnitsRig, from: number): void => {
  const made = { from, to: performance.now() };
  for (const id of setsIn(box)) if (!spans.has(id)) spans.set(id, made);
};

const assertExact = ({ bucket, spans }: UnitsRig, ids: readonly string[]): void => {
  bucket.assertExact(
    new Map(ids.map((id) => [id, spans.get(id) ?? assert.fail(`${id} came by itself`)])),
  );
};

/** An action comes to its end, or its process died of a blow. */
const checkEnd = ({ dispatch, status, message }: ActionRun, hits: readonly Hit[]): void => {
  if (dispatch.signal === null) assert.equal(status, 'completed', message);
  else {
    const signals = hits.filter(({ unit }) => unit === leader).map(({ signal }) => signal);
    assert.ok(signals.some((signal) => signal === dispatch.signal));
  }
};

const nextHook = async (box: Box, unit: string): Promise<void> => {
  if (unit === leader) {
    await box.hook('update-status');
    return;
  }
  const agent = box.furtherUnits.get(unit) ?? assert.fail(`there is no ${unit}`);
  const { exitCode, stderr } = await agent.dispatch({ hook: 'update-status' });
  assert.equal(exitCode, 0, stderr);
};

/** The next backup, which nobody disturbs. */
const backUp = async (units: UnitsRig): Promise<void> => {
  const from = performance.now();
  const { results } = await untilDone(units.rig.box, () =>
    units.rig.box.start('backup-control-plane'),
  );
  assert.equal(setsIn(units.rig.box).at(-1), results['backup-id']);
  noteSets(units, from);
  units.usual = performance.now() - from;
};

/** The action. While a unit that helps a dead leader may still write, nobody else gets the path. */
const untilBegun = async (start: () => StartedAction): Promise<ActionRun> => {
  for (let attempt = 1; ; attempt += 1) {
    const run = await start().done;
    if (run.results['error-code'] !== 'backup-running' || attempt === 5) return run;
    await sleep(500);
  }
};

const untilDone = async (box: Box, start: () => StartedAction): Promise<ActionRun> => {
  const run = await untilBegun(start);
  await box.settle();
  assert.equal(run.status, 'completed', run.message);
  return run;
};

/** Fails when a unit that was not struck does not end well with its help, or soon. */
const helpersEnd = async (box: Box, since: number, hits: readonly Hit[]): Promise<void> => {
  const helps = box.model.state.tasks.slice(since).filter(({ action }) => action === 'work');
  for (const { id, unit } of helps) {
    const late = sleep(60_000, undefined, { ref: false }).then(() =>
      assert.fail(`${unit} helps for ever`),
    );
    const { status, message } = await Promise.race([box.model.ended(id), late]);
    if (!isStruck(unit, hits)) assert.equal(status, 'completed', `${unit}: ${message}`);
  }
};

const assertHelpersGone = async ({ furtherUnits }: Box): Promise<void> => {
  for (const [unit, { directory }] of furtherUnits) {
    const left = await eventually(() => [...processesWith(directory).values()].join('\n'));
    assert.equal(left, '', unit);
    const agent = join(directory, 'agents', `unit-${unit.replace('/', '-')}`);
    assert.ok(!existsSync(join(agent, 'scratch/ckf-work')), unit);
  }
};
