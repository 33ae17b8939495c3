import assert from 'node:assert/strict';
import { fuzz } from './fuzz.ts';

describe('anything that comes from outside', () => {
  it('is read or refused in our own words', async () => {
    const seed = Date.now() % 1_000_000_000;
    process.stdout.write(
      `      (seed ${seed}; npm run reliability -- --fuzz --cases 3000 --seed ${seed} plays it again)\n`,
    );
    const counts = await fuzz({ seed, cases: 3000 });
    assert.equal(
      [...counts.values()].reduce((sum, count) => sum + count, 0),
      3000,
    );
    for (const outcome of ['read', 'refused'])
      assert.ok((counts.get(`manifest: ${outcome}`) ?? 0) > 0, outcome);
  });
});
