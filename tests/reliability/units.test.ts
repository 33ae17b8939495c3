import assert from 'node:assert/strict';
import { randomFrom } from './plan.ts';
import type { TeamBlow } from './team-blows.ts';
import { anyPlan } from './units-game.ts';
import { openUnitsRig, type UnitsRig, unitsRigMaker } from './units-rig.ts';
import { playUnitsRound } from './units-round.ts';

/** `npm run reliability -- --units` has many more. */
const moments = {
  claimed: { sight: 'claim', when: 'after', nth: 1 },
  'about to put away its part of the list': { sight: 'list', when: 'before', nth: 1 },
  'while others work': { sight: 'claim', when: 'after', nth: 2 },
} as const;

const killed = (moment: keyof typeof moments, victim: TeamBlow['victim']): TeamBlow => ({
  ...{ signal: 'SIGKILL', victim },
  at: moments[moment],
});

describe('four units that share work, of which some are killed', () => {
  const resources = new AsyncDisposableStack();
  const seed = Math.floor(Math.random() * 2 ** 31);
  let units: UnitsRig;
  before(async () => {
    const maker = resources.use(await unitsRigMaker());
    units = openUnitsRig(resources.use(await maker.make()), seed);
  });
  after(() => resources.disposeAsync());

  it('make exact sets or none, whether two that help are killed in their shards or the leader is', async () => {
    const helpers = [
      killed('claimed', 'a worker'),
      killed('about to put away its part of the list', 'a worker'),
    ];
    const struck = await playUnitsRound(units, {
      action: 'backup-control-plane',
      bytesPerSecond: 6000,
      attempts: [helpers, [killed('while others work', 0)]].map((blows) => ({
        blows,
        isPatient: false,
      })),
    });
    const met = struck.map(({ hits }) => hits.map(({ wasInShard }) => wasInShard));
    assert.deepEqual(met, [[true, true], [true]]);
    assert.equal(struck[1]?.hits[0]?.unit, 'ckf-backup/0');
  });

  it(`keep every promise in a round with the seed ${seed}`, async () => {
    const { action, attempts } = anyPlan(randomFrom(seed));
    await playUnitsRound(units, { action, attempts: attempts.slice(0, 1) });
  });
});
