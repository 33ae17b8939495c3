/** A few of these are the buffers that wait at any time; more would be garbage. */
const enough = 4 * 2 ** 20;

let bytes = 0;

/**
 * To be told of each buffer that was read from a server. Nearly all of them are garbage within milliseconds, but V8 sees only
 * what they hold outside of its heap, and marks the whole heap for every 32 MB of that, while four times as much garbage
 * piles up. A collection of what is young frees them for a hundredth of the cost. It takes `--expose-gc`, which `dispatch` gives, and does nothing without.
 */
export const countBuffer = ({ length }: Uint8Array): void => {
  bytes += length;
  if (bytes < enough) return;
  bytes = 0;
  globalThis.gc?.({ type: 'minor' });
};
