import assert from 'node:assert/strict';
import { assertNoDebris, assertNothingLeft, assertPutBack, calmOf, undoIn } from './aftermath.ts';
import { assertIntact, setsIn } from './intact.ts';
import type { Rig } from './rig.ts';
import { type Blow, strike } from './strike.ts';

/**
 * One backup that is struck, what follows, and the next backup. Fails when a promise is broken: all
 * scales are as before, no half set is listed, earlier sets are whole, the next backup succeeds and
 * clears away what was left, and nothing is left running. Returns whether the process died of the
 * blow; it may have ended before.
 */
export const playRound = async (rig: Rig, blow: Blow): Promise<{ readonly struck: boolean }> => {
  const before = calmOf(rig.box);
  const struck = await strikeAndRecover(rig, blow);
  await backUpAgain(rig);
  assertPutBack(rig.box, rig.journal, before);
  return { struck };
};

/**
 * The backup that is struck, and the hook after it. Returns whether the process died of the blow.
 */
export const strikeAndRecover = async (rig: Rig, blow: Blow): Promise<boolean> => {
  changeSource(rig);
  const before = calmOf(rig.box);
  const earlier = setsIn(rig.box);
  const struck = await backUpUnder(rig, blow);
  if (struck && blow.signal === 'SIGTERM') {
    assert.deepEqual(calmOf(rig.box), before, 'SIGTERM: the scales before any hook');
    assert.deepEqual(undoIn(rig.journal), []);
  }
  if (blow.next === 'new pod') await rig.replacePod();
  else assert.equal((await rig.box.hook('update-status')).exitCode, 0);
  assertPutBack(rig.box, rig.journal, before);
  const sets = setsIn(rig.box);
  assert.deepEqual(sets.slice(0, earlier.length), earlier, 'earlier sets are still listed');
  assert.ok(sets.length <= earlier.length + 1);
  for (const id of sets) assertIntact(rig.box, id);
  return struck;
};

/** The next backup succeeds, every set is whole, and nothing is left of those that died. */
export const backUpAgain = async (rig: Rig): Promise<void> => {
  const earlier = setsIn(rig.box);
  const run = await rig.box.run('backup-control-plane');
  assert.equal(run.status, 'completed', run.message);
  const sets = setsIn(rig.box);
  assert.equal(sets.length, earlier.length + 1);
  for (const id of sets) assertIntact(rig.box, id);
  assertNoDebris(rig.box, sets);
  await assertNothingLeft(rig.box, rig.journal);
};

/** A backup that is hit. */
export const backUpUnder = (rig: Rig, blow: Pick<Blow, 'signal' | 'at'>): Promise<boolean> =>
  strike(rig, blow, () => rig.box.start('backup-control-plane'));

let changes = 0;

/**
 * People work between two backups: something new, something replaced, and something large enough to
 * be sent in parts.
 */
export const changeSource = ({ box }: Rig): void => {
  const { contents } = box.stores.minio;
  const number = String(++changes);
  contents.put(
    'mlpipeline',
    { key: `artifacts/new-${number}/main.log`, content: `run ${number}\n` },
    { key: 'pipelines/6d3a1f0e', content: `kind: PipelineSpec\nversion: ${number}\n` },
    {
      key: 'v2/artifacts/a b/in-parts',
      content: Buffer.alloc(6 * 2 ** 20, number),
      partSize: 5 * 2 ** 20,
    },
  );
};
