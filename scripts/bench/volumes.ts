import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resticByHand } from '../../tests/rigs/restic.ts';
import { type Box, startBox } from '../../tests/sandbox/box.ts';
import { addClaim, addProfile, addVolumes } from '../../tests/sandbox/box/volumes.ts';
import type { Workloads } from '../../tests/servers/kubernetes/workloads.ts';
import { startHelper } from './servers.ts';

/** How large each of the four volumes is. */
export interface VolumeBench {
  readonly scratch: string;
  readonly pairs: number;
  readonly files: number;
  /** Of one file. */
  readonly bytes: number;
  /**
   * Bytes a second of the way to the target, for each repository, as where each gateway is on a
   * node of its own; without it there is no limit, and all is near for the first comparison.
   */
  readonly rate?: number | undefined;
}

const users = ['one', 'two', 'three', 'four'];
const claim = 'home';

/** There and back, in ms, divided by two. */
const delay = 15;

/**
 * Two comparisons on the box, in turns. A session of one volume against restic alone on the same
 * volume and repository, both with content that is new; and a session of four users' volumes in
 * parallel against one after the other, with 30 ms to the target. With a rate all of it goes over
 * that way, restic alone too. Seconds are of actions, with the pods that they take.
 */
export const benchVolumes = async (bench: VolumeBench): Promise<string> => {
  await using box = await startBox({
    directory: join(bench.scratch, 'box'),
    pace: 20,
    small: true,
  });
  await using volumes = await addVolumes(box, join(bench.scratch, 'volumes'));
  volumes.stopWriting();
  const { workloads } = volumes;
  for (const user of users) {
    addProfile(workloads, user);
    addClaim(workloads, user, claim);
  }
  await box.configure({ volumes: `*/${claim}` });
  await using links = new AsyncDisposableStack();
  const goFar = async (): Promise<void> => {
    const way = [delay, ...(bench.rate === undefined ? [] : [bench.rate])].map(String);
    const far = links.use(await startHelper('proxy.ts', String(box.stores.target.port), ...way));
    for (const place of [box.stores.s3Integrator, box.stores.backups])
      Object.assign(place, { endpoint: far.url });
    await box.disintegrate('s3-credentials');
    await box.integrate('s3-credentials');
  };
  if (bench.rate !== undefined) await goFar();
  const [one = ''] = users;
  const anew = async (work: () => Promise<number>): Promise<number> => {
    fill(workloads, [one], bench);
    return await work();
  };
  const byTheCharm = (): Promise<number> => anew(() => session(box, one));
  const backup = ['backup', workloads.directoryOf(one, claim)];
  const byHand = (): Promise<number> => anew(() => timed(() => resticByHand({ box }, one, backup)));
  await byTheCharm();
  const alone = await ratios(bench.pairs, [byTheCharm, byHand]);
  const first = `one volume: session ${alone.seconds[0]} s, restic alone ${alone.seconds[1]} s, ratio ${alone.ratio}`;
  // The second comparison takes much longer.
  console.error(first);
  if (bench.rate === undefined) await goFar();
  const inTurns = (parallel: number) => async (): Promise<number> => {
    await box.configure({ 'volumes-parallel': parallel });
    fill(workloads, users, bench);
    return await session(box, '*');
  };
  // The first session of each makes its repository.
  await inTurns(users.length)();
  const together = await ratios(bench.pairs, [inTurns(1), inTurns(users.length)]);
  return [
    `${users.length} users' volumes of ${bench.files} files of ${bench.bytes} bytes, medians of ${bench.pairs} pairs`,
    first,
    `30 ms away: one after the other ${together.seconds[0]} s, in parallel ${together.seconds[1]} s, ratio ${together.ratio}`,
  ].join('\n');
};

/** New content of the same size, so that all of it is uploaded again. */
const fill = (
  workloads: Workloads,
  whose: readonly string[],
  { files, bytes }: VolumeBench,
): void => {
  for (const user of whose)
    for (let file = 0; file < files; file += 1) {
      const folder = join(workloads.directoryOf(user, claim), `folder-${file % 100}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `file-${file}`), randomBytes(bytes));
    }
};

/** Seconds of the action; what its unit does afterwards is waited for, and not counted. */
const session = async (box: Box, user: string): Promise<number> => {
  const seconds = await timed(async () => {
    const started = box.start('backup-volumes', { volumes: `${user}/${claim}` });
    const { status, message } = await started.done;
    if (status !== 'completed') throw new Error(message);
  });
  await box.settle();
  return seconds;
};

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
};

type Way = () => Promise<number>;

/** Of two ways in turns: the median of each, and of how many times as long the first one took. */
const ratios = async (pairs: number, ways: readonly [Way, Way]) => {
  const took: (readonly [number, number])[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const [one, other] = ways;
    // Who begins changes, so that what the machine does meanwhile hits both.
    const second = pair % 2 === 0 ? undefined : await other();
    const first = await one();
    took.push([first, second ?? (await other())]);
  }
  return {
    seconds: [0, 1].map((way) => median(took.map((pair) => pair[way] ?? NaN)).toFixed(1)),
    ratio: median(took.map(([one, other]) => one / other)).toFixed(2),
  };
};

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((one, other) => one - other)[numbers.length >> 1] ?? NaN;
