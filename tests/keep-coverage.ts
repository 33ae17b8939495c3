/*
 * Loaded by each process that runs test files. Mocha ends these processes with a message, and a
 * second later with SIGTERM. On a busy machine a process needs longer than that to write what it
 * covered, and then the report missed a third of the tests. Who handles the signal is not killed by
 * it, and ends by itself once it has written.
 */
process.on('SIGTERM', () => undefined);
