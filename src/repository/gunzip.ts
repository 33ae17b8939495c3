import { pipeline, Transform, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/**
 * How much more than its packed size a list may be. Lists of ours reach 10 to 60; one of empty
 * objects whose keys have 1,024 characters that JSON escapes may reach 300. Gzip reaches 1,032.
 */
const mostRatio = 350;
/** Bytes: a hundred million objects, each with a line of more than 600. */
const mostOfAll = 64 * 2 ** 30;
/** Bytes that any list may have, whatever its packed size. */
const free = 4 * 2 ** 20;

/**
 * Unpacks a list that lies in the bucket, where anybody may have put it. Errors of the source reach
 * the reader of the result, which is destroyed with it. Rejects what unpacks to more than any list
 * of ours, so that a small object cannot keep an action busy for hours, and a large one not for
 * days.
 */
export const gunzipList = (packed: Readable, mostBytes = mostOfAll): Readable => {
  const unzipped = createGunzip({ chunkSize: 64 * 1024 });
  let bytes = 0;
  const bounded = new Transform({
    transform: (chunk: Uint8Array, _encoding, done) => {
      bytes += chunk.length;
      if (bytes > mostBytes) done(new Error(`it unpacks to more than ${mostBytes} bytes`));
      // What zlib has taken in by now.
      else if (bytes > free + mostRatio * unzipped.bytesWritten)
        done(new Error(`it unpacks to more than ${mostRatio} times its size`));
      else done(null, chunk);
    },
  });
  // The error reaches the reader through the last stream; nobody waits for this callback.
  pipeline(packed, unzipped, bounded, () => undefined);
  return bounded;
};
