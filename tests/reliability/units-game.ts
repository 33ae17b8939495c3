import { randomFrom } from './plan.ts';
import type { Rig } from './rig.ts';
import { anyBlow, blowText, type Hit } from './team-blows.ts';
import { openUnitsRig, type UnitsRig, unitsRigMaker } from './units-rig.ts';
import { playUnitsRound, type Struck, type UnitsPlan } from './units-round.ts';

/** So many rounds are played on one box, whose sets become more. */
const roundsOnBox = 8;

/** What came of the rounds. */
export interface UnitsTally {
  rounds: number;
  failed: number;
  blows: number;
  readonly hits: Hit[];
  /** Of actions that came to their end: how many units had finished a shard. */
  readonly sharers: number[];
}

/** Three of five rounds are backups. */
export const anyPlan = (random: () => number): UnitsPlan => {
  const place = random();
  const action =
    place < 0.6 ? 'backup-control-plane' : place < 0.8 ? 'restore-control-plane' : 'verify-backup';
  const attempt = (): UnitsPlan['attempts'][number] => ({
    blows: Array.from({ length: 1 + Math.floor(random() * 4) }, () => anyBlow(random)),
    isPatient: random() < 0.5,
  });
  return { action, attempts: Array.from({ length: 1 + Math.floor(random() * 2) }, attempt) };
};

/**
 * Plays rounds with the seeds that follow this one, one for each box. Each round is said; one that
 * fails ends its box.
 */
export const playUnits = async (
  { rounds, seed }: { readonly rounds: number; readonly seed: number },
  say: (text: string) => void,
): Promise<UnitsTally> => {
  using maker = await unitsRigMaker();
  const tally: UnitsTally = { rounds: 0, failed: 0, blows: 0, hits: [], sharers: [] };
  for (let box = 0; box * roundsOnBox < rounds; box += 1) {
    const random = randomFrom(seed + box);
    await using rig: Rig = await maker.make();
    const units = openUnitsRig(rig, seed + box);
    const last = Math.min(roundsOnBox, rounds - box * roundsOnBox);
    for (let round = 1; round <= last; round += 1)
      if (!(await playOne(units, anyPlan(random), { tally, say, name: `${seed + box}.${round}` })))
        break;
  }
  return tally;
};

const playOne = async (
  units: UnitsRig,
  plan: UnitsPlan,
  {
    tally,
    say,
    name,
  }: { readonly tally: UnitsTally; readonly say: (text: string) => void; readonly name: string },
): Promise<boolean> => {
  const started = performance.now();
  const words = `${name} ${plan.action}, ${plan.attempts.map(attemptText).join('; again, ')}`;
  const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  tally.rounds += 1;
  tally.blows += plan.attempts.flatMap(({ blows }) => blows).length;
  try {
    const struck = await playUnitsRound(units, plan);
    for (const { hits, sharers } of struck) {
      tally.hits.push(...hits);
      if (sharers !== undefined) tally.sharers.push(sharers);
    }
    say(`${words}: ok, ${struck.map(struckText).join('; ')}, ${seconds()}`);
    return true;
  } catch (error) {
    tally.failed += 1;
    say(`${words}: FAILED, ${seconds()}\n${error instanceof Error ? error.stack : String(error)}`);
    return false;
  }
};

const attemptText = ({ blows, isPatient }: UnitsPlan['attempts'][number]): string =>
  `${blows.map(blowText).join(', ')}${isPatient ? ', patiently' : ''}`;

const struckText = ({ hits, sharers }: Struck): string => {
  const met = hits.map(({ unit, wasInShard }) => `${unit}${wasInShard ? ' in a shard' : ''}`);
  return `met ${met.join(', ') || 'nobody'}${sharers === undefined ? '' : ` (${sharers} units shared)`}`;
};

export const tallyText = ({ rounds, failed, blows, hits, sharers }: UnitsTally): string => {
  const isLeader = ({ unit }: Hit): boolean => unit.endsWith('/0');
  const workers = hits.filter((hit) => !isLeader(hit));
  const inShard = (all: readonly Hit[]): number =>
    all.filter(({ wasInShard }) => wasInShard).length;
  const leaders = hits.filter(isLeader);
  return `${rounds} rounds, ${failed} failed; ${hits.length} of ${blows} blows met a process: ${workers.length} a worker, ${inShard(workers)} of them in the middle of a shard, and ${leaders.length} the leader, ${inShard(leaders)} of them in the middle of a shard; ${hits.filter(({ signal }) => signal === 'SIGTERM').length} were SIGTERM. Of ${sharers.length} actions whose leader told it, ${sharers.filter((count) => count > 1).length} had shards done by several units`;
};
