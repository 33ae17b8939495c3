import { parseArgs } from 'node:util';
import { type Moment, lookOn, momentText } from '../tests/reliability/moments.ts';
import { decisive, planBlows } from '../tests/reliability/plan.ts';
import { type Rig, type RigMaker, rigMaker } from '../tests/reliability/rig.ts';
import { type Blow, changeSource, playRound } from '../tests/reliability/round.ts';

/*
 * `npm run reliability -- --runs 200 --seed 1`: kills the backup of the box at every moment that matters and at random times, and checks what
 * follows. `--only <text>` plays only the moments with that in their names. Exits with 1 when a promise was broken.
 */

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
});
const roundsPerRig = 12;

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const blowText = ({ signal, at, next }: Blow): string =>
  `${signal} ${typeof at === 'number' ? `after ${at} ms` : momentText(at)}, then ${next}`;

/** A backup that nobody disturbs, to see which moments there are and how long it takes. */
const record = async (maker: RigMaker): Promise<{ seen: Moment[]; milliseconds: number }> => {
  await using rig = await maker.make();
  changeSource(rig);
  const seen: Moment[] = [];
  using _looking = lookOn(rig, (moment) => {
    seen.push(moment);
    return undefined;
  });
  const started = performance.now();
  const { status, message } = await rig.box.run('backup-control-plane');
  if (status !== 'completed') throw new Error(message);
  return { seen, milliseconds: performance.now() - started };
};

const tally = { runs: 0, struck: 0, missed: 0, failed: 0 };

const play = async (rig: Rig, blow: Blow, number: string): Promise<boolean> => {
  const started = performance.now();
  const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  tally.runs += 1;
  try {
    const { struck } = await playRound(rig, blow);
    tally[struck ? 'struck' : 'missed'] += 1;
    say(
      `${number} ${blowText(blow)}: ${struck ? 'ok' : 'ok, but it had ended before'}, ${seconds()}`,
    );
    return true;
  } catch (error) {
    tally.failed += 1;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    say(`${number} ${blowText(blow)}: FAILED, ${seconds()}\n${text}`);
    return false;
  }
};

const main = async (): Promise<void> => {
  const [runs, seed] = [Number(values.runs), Number(values.seed)];
  using maker = await rigMaker();
  const { seen, milliseconds } = await record(maker);
  const wanted = seen.filter((moment) => momentText(moment).includes(values.only));
  const blows = planBlows(wanted, { runs, seed, milliseconds });
  say(
    `${seen.length} moments in ${Math.round(milliseconds)} ms, ${decisive(wanted).length} of them decisive; ${blows.length} runs, seed ${seed}`,
  );
  let rig: Rig | undefined;
  for (const [index, blow] of blows.entries()) {
    if (index % roundsPerRig === 0) {
      await rig?.[Symbol.asyncDispose]();
      rig = undefined;
    }
    rig ??= await maker.make();
    if (await play(rig, blow, `${index + 1}/${blows.length}`)) continue;
    await rig[Symbol.asyncDispose]();
    rig = undefined;
  }
  await rig?.[Symbol.asyncDispose]();
  const { struck, missed, failed } = tally;
  say(
    `${tally.runs} runs: the process died of the blow in ${struck}, had ended before in ${missed}; ${failed} failed`,
  );
  if (failed > 0) process.exitCode = 1;
};

await main();
