import assert from 'node:assert/strict';
import { Transfers, type TransferOutcome } from '../../../src/components/buckets/transfers.ts';

/**
 * Keeps it as full as it allows, and ends transfers with what the servers would say at that number
 * in flight.
 */
const load = async (
  transfers: Transfers,
  rounds: number,
  outcome: (inFlight: number) => TransferOutcome,
): Promise<void> => {
  for (let round = 0; round < rounds; round += 1) {
    let entered = 0;
    const enter = transfers.enter(1);
    void enter.then(() => (entered += 1));
    await Promise.resolve();
    await Promise.resolve();
    while (entered === 0) {
      transfers.leave(1, outcome(transfers.inFlight));
      await Promise.resolve();
      await Promise.resolve();
    }
  }
};

describe('the number of transfers', () => {
  it('starts with 16, or with fewer when no more are allowed', () => {
    assert.equal(new Transfers(64).limit, 16);
    assert.equal(new Transfers(3).limit, 3);
  });

  it('rises to what is allowed while the servers answer as fast as ever, and never above', async () => {
    const transfers = new Transfers(100);
    await load(transfers, 2000, () => ({ latency: 30 }));
    assert.equal(transfers.limit, 100);
  });

  it('falls while more in flight drowns the servers, and settles where they bear it', async () => {
    const transfers = new Transfers(256);
    await load(transfers, 20_000, (inFlight) => ({ latency: inFlight > 60 ? inFlight * 30 : 30 }));
    assert.ok(transfers.limit >= 16 && transfers.limit <= 100, String(transfers.limit));
  });

  it('does not fall only because everything takes longer for a while', async () => {
    const transfers = new Transfers(64);
    await load(transfers, 1000, () => ({ latency: 5 }));
    await load(transfers, 1000, () => ({ latency: 200 }));
    assert.equal(transfers.limit, 64);
  });

  it('falls when servers are overloaded, down to one, and rises again when they recover', async () => {
    const transfers = new Transfers(64);
    await load(transfers, 300, () => ({ overloaded: true }));
    assert.equal(transfers.limit, 1);
    await load(transfers, 2000, () => ({ latency: 10 }));
    assert.equal(transfers.limit, 64);
  });

  it('never lets more in than the limit, and heavy ones alone if need be', async () => {
    const transfers = new Transfers(2);
    await transfers.enter(4);
    let entered = false;
    const second = transfers.enter(1).then(() => {
      entered = true;
    });
    await new Promise(setImmediate);
    assert.equal(entered, false);
    transfers.leave(4, {});
    await second;
    assert.equal(transfers.inFlight, 1);
  });
});
