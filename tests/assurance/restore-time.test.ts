import assert from 'node:assert/strict';
import { ratesOf, restoreTime } from '../../src/assurance/restore-time.ts';
import type { Proof } from '../../src/repository/proofs.ts';
import { aManifest } from '../rigs/manifest.ts';

const MiB = 1 << 20;
const [bucket] = aManifest().buckets;
assert.ok(bucket);
/** Databases of 126.4 s together, ML Metadata of 4.5 s, and a bucket of 1000 MiB. */
const manifest = aManifest({ buckets: [{ ...bucket, size: 1000 * MiB, bytesCopied: 0 }] });

const proof = (changes: Partial<Proof>): Proof => ({
  ...{ kind: 'deep', at: '2026-11-22T02:00:00Z', intact: true, seconds: 100, bytes: 0 },
  ...changes,
});

describe('how long a restore takes', () => {
  it('is what it took before, when this set was restored', () => {
    const restored = proof({ kind: 'restore', seconds: 777 });
    const known = { seconds: 777, basis: 'restore' };
    assert.deepEqual(restoreTime(manifest, [restored], []), known);
    const lossy = proof({ kind: 'restore', seconds: 777, intact: false });
    assert.equal(restoreTime(manifest, [lossy], []).basis, 'rates');
  });

  it('is reckoned from the rates that were measured', () => {
    const measured = [
      { bytes: 100 * MiB, seconds: 10 },
      { bytes: 300 * MiB, seconds: 10 },
      { bytes: 12, seconds: 50 },
    ];
    assert.deepEqual(restoreTime(manifest, [], measured), {
      ...{ seconds: 63.2 * 2 + 4.5 + 1000 / 20, basis: 'rates' },
    });
  });

  it('is not known while nothing was measured that would tell, and needs no rate without objects', () => {
    assert.equal(restoreTime(manifest, [], ratesOf([manifest])).seconds, undefined);
    const { seconds } = restoreTime(aManifest({ buckets: [] }), [], []);
    assert.equal(seconds, 63.2 * 2 + 4.5);
  });
});
