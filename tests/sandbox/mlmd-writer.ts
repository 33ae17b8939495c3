import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/*
 * Writes to an mlmd.db as ML Metadata's server does: a connection with a rollback journal, small
 * transactions, and now and then one so large that it spills into the file before it commits. Each
 * transaction adds as many executions as artifacts and moves both sums of times by the same, so
 * that a copy made inside a transaction shows. The artifacts come first.
 *
 *     node mlmd-writer.ts <file> [milliseconds between transactions]
 *
 * Prints nothing; ends after its transaction when its stdin does, which is when the process that
 * started it has gone.
 */
const [, , file = '', pause = '20'] = process.argv;

const stop = new AbortController();
process.stdin.resume();
process.stdin.once('end', () => {
  stop.abort();
});

const database = new DatabaseSync(file, { timeout: 5000 });
database.exec('PRAGMA cache_size = 20');
const artifact = database.prepare(
  "INSERT INTO Artifact (type_id, uri, name, last_update_time_since_epoch) VALUES (1, ?, 'written-' || ?, 1)",
);
const execution = database.prepare(
  "INSERT INTO Execution (type_id, name, last_update_time_since_epoch) VALUES (11, 'written-' || ?, 1)",
);
const touch = (table: string) =>
  database.prepare(
    `UPDATE ${table} SET last_update_time_since_epoch = last_update_time_since_epoch + 1 WHERE id <= ?`,
  );
const [touchArtifacts, touchExecutions] = [touch('Artifact'), touch('Execution')];
let serial = database
  .prepare("SELECT count(*) AS rows FROM Artifact WHERE name LIKE 'written-%'")
  .get()?.['rows'];

for (let round = 0; !stop.signal.aborted; round += 1) {
  try {
    database.exec('BEGIN IMMEDIATE');
    const large = round % 5 === 4;
    const name = String((serial = Number(serial) + 1));
    artifact.run(`minio://mlpipeline/written/${name}`, name);
    if (large) touchArtifacts.run(3000);
    if (large) await sleep(Number(pause));
    execution.run(name);
    if (large) touchExecutions.run(3000);
    database.exec('COMMIT');
  } catch {
    // As the server does: a writer that could not write in time is told so, and tries again.
    if (database.isTransaction) database.exec('ROLLBACK');
  }
  await sleep(Number(pause));
}
