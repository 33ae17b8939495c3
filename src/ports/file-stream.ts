import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';

/**
 * A file on our own disk, to be handed to something that reads it. When it cannot be read, the
 * reader gets the error, also one that begins late. An operation that was ended may have removed
 * the file before anybody read it; Node ends the process for an error that nobody listens to.
 */
export const fileStream = (path: string): Readable =>
  createReadStream(path).on('error', () => undefined);
