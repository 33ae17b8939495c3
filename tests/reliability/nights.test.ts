import assert from 'node:assert/strict';
import { playNights } from './nights.ts';

describe('a nightly schedule in bad weather', () => {
  it('has each night in list-sessions exactly once, whatever became of it', async () => {
    const seed = Date.now() % 1_000_000;
    process.stdout.write(
      `      (seed ${seed}; npm run reliability -- --schedule --days 40 --seed ${seed} plays it again)\n`,
    );
    const counts = await playNights({ days: 40, seed });
    assert.equal(counts.get('slots'), 40);
    assert.ok((counts.get('slots Succeeded') ?? 0) > 0);
  });
});
