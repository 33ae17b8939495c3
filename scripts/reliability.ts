import { parseArgs } from 'node:util';
import { fuzz } from '../tests/hostile/fuzz.ts';
import { type Moment, lookOn, momentText } from '../tests/reliability/moments.ts';
import { playLives } from '../tests/reliability/lives.ts';
import { playNights } from '../tests/reliability/nights.ts';
import { decisive, planBlows, randomFrom } from '../tests/reliability/plan.ts';
import { decisiveOfRestore } from '../tests/reliability/restore-moments.ts';
import {
  playRestoreRound,
  openRestoreRig,
  watchRestore,
} from '../tests/reliability/restore-round.ts';
import { playTeamRestores, playTeamVerifications } from '../tests/reliability/team-readers.ts';
import { playTeams } from '../tests/reliability/teams.ts';
import { type Rig, rigMaker } from '../tests/reliability/rig.ts';
import { changeSource, playRound } from '../tests/reliability/round.ts';
import type { Blow } from '../tests/reliability/strike.ts';
import { playUnits, tallyText } from '../tests/reliability/units-game.ts';
import {
  decisiveOfVolumes,
  openVolumeRig,
  playVolumeRound,
  watchVolumes,
  type VolumeRig,
} from '../tests/reliability/volume-round.ts';
import { playPodRound, podWorks } from '../tests/reliability/volume-pods.ts';

/*
 * `npm run reliability -- --runs 200 --seed 1`: kills the backup of the box at every moment that
 * matters and at random times, and checks what follows; with `--restore` it kills the restore, with
 * `--volumes` the backup of users' volumes, with `--pods` pods of all that is done with volumes.
 * `--runs all` plays as many rounds as it takes to come to every moment. `--only <text>` plays only
 * the moments with that in their names. Exits with 1 when a promise was broken.
 *
 * `npm run reliability -- --lives --steps 20000 --seed 1` plays random lives of a repository in
 * memory instead.
 *
 * `npm run reliability -- --teams --rounds 100 --seed 1` kills and freezes units that share a copy,
 * a restore or a verification, in memory.
 *
 * `npm run reliability -- --units --rounds 100 --seed 1` kills processes of four units of the box
 * that share a backup, a restore or a verification.
 *
 * `npm run reliability -- --schedule --days 400 --seed 1` plays the nights of a schedule in bad
 * weather, in memory.
 *
 * `npm run reliability -- --fuzz --cases 100000 --seed 1` gives the parsers of everything that
 * comes from outside what they never saw.
 */

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    restore: { type: 'boolean', default: false },
    volumes: { type: 'boolean', default: false },
    pods: { type: 'boolean', default: false },
    lives: { type: 'boolean', default: false },
    steps: { type: 'string', default: '20000' },
    teams: { type: 'boolean', default: false },
    units: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '100' },
    schedule: { type: 'boolean', default: false },
    days: { type: 'string', default: '400' },
    fuzz: { type: 'boolean', default: false },
    cases: { type: 'string', default: '100000' },
  },
});
const roundsPerRig = 12;

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

interface Watched {
  readonly seen: readonly Moment[];
  readonly milliseconds: number;
}

/** What is killed: seen once undisturbed, then struck in round after round on the same rig. */
interface Game extends Partial<AsyncDisposable> {
  watch(): Promise<Watched>;
  play(blow: Blow): Promise<{ readonly struck: boolean }>;
}

const watchBackup = async (rig: Rig): Promise<Watched> => {
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

const gameOn = async (rig: Rig): Promise<Game> => {
  if (values.volumes) {
    const volumes = await openVolumeRig(rig);
    return {
      watch: () => watchVolumes(volumes),
      play: (blow) => playVolumeRound(volumes, blow),
      [Symbol.asyncDispose]: () => volumes[Symbol.asyncDispose](),
    };
  }
  if (!values.restore)
    return { watch: () => watchBackup(rig), play: (blow) => playRound(rig, blow) };
  const restore = await openRestoreRig(rig);
  return { watch: () => watchRestore(restore), play: (blow) => playRestoreRound(restore, blow) };
};

const blowText = ({ signal, at, next }: Blow): string =>
  `${signal} ${typeof at === 'number' ? `after ${at} ms` : momentText(at)}, then ${next}`;

const tally = { runs: 0, struck: 0, missed: 0, failed: 0 };

const play = async (game: Game, blow: Blow, number: string): Promise<boolean> => {
  const started = performance.now();
  const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  tally.runs += 1;
  try {
    const { struck } = await game.play(blow);
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
  using maker = await rigMaker(values.restore ? { databaseUnits: 2 } : {});
  const { seen, milliseconds } = await (async () => {
    await using rig = await maker.make();
    const game = await gameOn(rig);
    try {
      return await game.watch();
    } finally {
      await game[Symbol.asyncDispose]?.();
    }
  })();
  const choose = values.restore ? decisiveOfRestore : values.volumes ? decisiveOfVolumes : decisive;
  const wanted = choose(seen).filter((moment) => momentText(moment).includes(values.only));
  // Every fourth blow is at a random time.
  const runs = values.runs === 'all' ? Math.ceil((wanted.length * 4) / 3) : Number(values.runs);
  const blows = planBlows(wanted, { runs, seed: Number(values.seed), milliseconds });
  say(
    `${seen.length} moments in ${Math.round(milliseconds)} ms, ${wanted.length} of them decisive; ${blows.length} runs, seed ${values.seed}`,
  );
  let rig: Rig | undefined;
  let game: Game | undefined;
  for (const [index, blow] of blows.entries()) {
    if (game === undefined || index % roundsPerRig === 0) {
      await game?.[Symbol.asyncDispose]?.();
      await rig?.[Symbol.asyncDispose]();
      rig = await maker.make();
      game = await gameOn(rig);
    }
    // What a broken promise left must not spoil the next round.
    if (!(await play(game, blow, `${index + 1}/${blows.length}`))) {
      await game[Symbol.asyncDispose]?.();
      game = undefined;
    }
  }
  await game?.[Symbol.asyncDispose]?.();
  await rig?.[Symbol.asyncDispose]();
  const { struck, missed, failed } = tally;
  say(
    `${tally.runs} runs: the process died of the blow in ${struck}, had ended before in ${missed}; ${failed} failed`,
  );
  if (failed > 0) process.exitCode = 1;
};

/**
 * A life grows slow with the number of its sets, so there are many short ones, each with a seed of
 * its own.
 */
const stepsOfLife = 500;

const playAllLives = async (): Promise<void> => {
  const steps = Number(values.steps);
  const total = new Map<string, number>();
  for (let done = 0; done < steps; done += stepsOfLife) {
    const seed = Number(values.seed) + done / stepsOfLife;
    const counts = await playLives({ seed, steps: Math.min(stepsOfLife, steps - done) });
    for (const [what, count] of counts) total.set(what, (total.get(what) ?? 0) + count);
    say(
      `${Math.min(done + stepsOfLife, steps)} of ${steps} steps; the last life had the seed ${seed}`,
    );
  }
  for (const [what, count] of [...total].toSorted()) say(`${String(count).padStart(7)} ${what}`);
};

const playSchedule = async (): Promise<void> => {
  const [seed, days] = [Number(values.seed), Number(values.days)];
  say(`${days} days, seed ${seed}`);
  const counts = await playNights({ days, seed });
  for (const [what, count] of [...counts].toSorted()) say(`${String(count).padStart(7)} ${what}`);
};

const playFuzz = async (): Promise<void> => {
  const [seed, cases] = [Number(values.seed), Number(values.cases)];
  say(`${cases} cases, seed ${seed}`);
  const counts = await fuzz({
    seed,
    cases,
    onProgress: (done) => {
      say(`${done} of ${cases} cases`);
    },
  });
  for (const [what, count] of [...counts].toSorted()) say(`${String(count).padStart(7)} ${what}`);
};

const playAllTeams = async (): Promise<void> => {
  const rounds = Number(values.rounds);
  const seed = Number(values.seed);
  await playTeams({ rounds, seed });
  say(`${rounds} shared copies with units that died or froze: every set is exact`);
  await playTeamRestores({ rounds, seed });
  say(`${rounds} shared restores with such units: every bucket is exact`);
  await playTeamVerifications({ rounds, seed });
  say(`${rounds} shared verifications with such units: all find what one unit finds`);
};

/** Each kind of work in turn, struck up to three times. */
const playPods = async (): Promise<void> => {
  const random = randomFrom(Number(values.seed));
  using maker = await rigMaker();
  let opened: VolumeRig | undefined;
  const shut = async (): Promise<void> => {
    await opened?.[Symbol.asyncDispose]();
    await opened?.rig[Symbol.asyncDispose]();
    opened = undefined;
  };
  const counts = new Map<string, number>();
  let failed = 0;
  for (let round = 0; round < Number(values.runs); round += 1) {
    const work = podWorks[round % podWorks.length] ?? 'a backup';
    const blows = 1 + Math.floor(random() * 3);
    const every = 200 + Math.round(random() * 3000);
    const words = `${round + 1}/${values.runs} ${work}, ${blows} blows, one each ${every} ms`;
    try {
      opened ??= await openVolumeRig(await maker.make());
      const { struck, ended } = await playPodRound(opened, { work, every, blows, random });
      for (const one of struck) counts.set(one, (counts.get(one) ?? 0) + 1);
      say(`${words}: ok: ${struck.join(', ') || 'none came in time'}; ${ended}`);
    } catch (error) {
      failed += 1;
      say(`${words}: FAILED\n${error instanceof Error ? error.stack : String(error)}`);
      await shut();
    }
  }
  await shut();
  for (const [what, count] of [...counts].toSorted()) say(`${String(count).padStart(7)} ${what}`);
  say(`${values.runs} rounds, seed ${values.seed}: ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
};

const playAllUnits = async (): Promise<void> => {
  const tally = await playUnits({ rounds: Number(values.rounds), seed: Number(values.seed) }, say);
  say(tallyText(tally));
  if (tally.failed > 0) process.exitCode = 1;
};

const game = values.fuzz
  ? playFuzz
  : values.lives
    ? playAllLives
    : values.teams
      ? playAllTeams
      : values.units
        ? playAllUnits
        : values.schedule
          ? playSchedule
          : values.pods
            ? playPods
            : main;
await game();
