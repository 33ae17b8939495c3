import fc from 'fast-check';

/*
 * Loaded by each process that runs test files. Mocha takes an error without its cause from one
 * process to the other, so what a property failed with has to be in its message.
 */
fc.configureGlobal({ includeErrorInReport: true });
