import assert from 'node:assert/strict';
import sinon from 'sinon';
import { countBuffer } from '../../../src/adapters/s3/reply.ts';

const mebi = 2 ** 20;

describe('buffers that were read', () => {
  afterEach(() => {
    sinon.restore();
    Reflect.deleteProperty(globalThis, 'gc');
  });

  const read = (bytes: number): void => {
    for (let sum = 0; sum < bytes; sum += 65_536) countBuffer(Buffer.alloc(65_536));
  };

  it('are collected after each 4 MiB, and nothing else is', () => {
    read(4 * mebi);
    const gc = sinon.stub().resolves();
    Object.assign(globalThis, { gc });
    read(64 * mebi);
    sinon.assert.callCount(gc, 16);
    sinon.assert.alwaysCalledWithExactly(gc, { type: 'minor' });
  });

  it('are left to V8 where it does not let us', () => {
    Reflect.deleteProperty(globalThis, 'gc');
    assert.doesNotThrow(() => {
      read(16 * mebi);
    });
  });
});
