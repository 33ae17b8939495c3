import assert from 'node:assert/strict';
import { playLives } from './lives.ts';

describe('any life of a repository', () => {
  it('loses no set, and lists none that cannot be restored byte for byte', async () => {
    const seed = Date.now() % 1_000_000;
    process.stdout.write(
      `      (seed ${seed}; npm run reliability -- --lives --steps 150 --seed ${seed} plays it again)\n`,
    );
    const counts = await playLives({ seed, steps: 150 });
    assert.ok((counts.get('back up: done') ?? 0) > 0);
  });
});
