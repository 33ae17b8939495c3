import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { mlmdIndexes, mlmdTables } from './mlmd-schema.ts';

export interface MlmdDataOptions {
  /** How many pipeline runs; each brings about 105 rows. */
  readonly runs?: number;
}

/**
 * Writes an `mlmd.db` as a Kubeflow Pipelines site has it after so many runs: ML Metadata's schema
 * version 10, a rollback journal, and by default 105,000 rows. The same call gives the same rows.
 * Leaves a file that is there alone.
 */
export const createMlmdData = (file: string, { runs = 1000 }: MlmdDataOptions = {}): void => {
  if (existsSync(file)) return;
  using database = new DatabaseSync(file);
  database.exec('PRAGMA synchronous = OFF; BEGIN');
  for (const sql of [...mlmdTables, ...mlmdIndexes]) database.exec(sql);
  database.exec('INSERT INTO MLMDEnv VALUES (10)');
  insertTypes(database);
  for (const sql of rowsOfRuns) database.prepare(sql).run({ runs });
  database.exec('COMMIT');
};

/** Kinds as in ml_metadata's metadata_store.proto: 0 execution, 1 artifact, 2 context. */
const types = [
  [1, 'system.Dataset', 1],
  [2, 'system.Model', 1],
  [3, 'system.Metrics', 1],
  [10, 'system.DAGExecution', 0],
  [11, 'system.ContainerExecution', 0],
  [20, 'system.Pipeline', 2],
  [21, 'system.PipelineRun', 2],
] as const;

const insertTypes = (database: DatabaseSync): void => {
  const type = database.prepare('INSERT INTO Type (id, name, type_kind) VALUES (?, ?, ?)');
  const property = database.prepare('INSERT INTO TypeProperty VALUES (?, ?, ?)');
  for (const row of types) {
    type.run(...row);
    property.run(row[0], 'display_name', 3);
  }
  database.exec('INSERT INTO ParentType VALUES (2, 1)');
};

/** `:runs` runs of a pipeline with ten steps, each with an artifact or two and their properties. */
const numbers = (below: string): string =>
  `WITH RECURSIVE number(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < ${below})`;

const rowsOfRuns: readonly string[] = [
  `${numbers(':runs')} INSERT INTO Context (id, type_id, name, create_time_since_epoch, last_update_time_since_epoch)
    SELECT n + 1, 21, printf('run-%05d', n), 1767225600000 + n * 60000, 1767225900000 + n * 60000 FROM number`,
  `INSERT INTO Context (type_id, name) SELECT 20, 'pipeline/τραίνινγκ' WHERE :runs > 0`,
  `INSERT INTO ParentContext SELECT id, :runs + 1 FROM Context WHERE type_id = 21`,
  `INSERT INTO ContextProperty (context_id, name, is_custom_property, string_value)
    SELECT id, 'resource_name', 1, 'run-resource ''' || name || '''' FROM Context WHERE id <= :runs`,
  `${numbers(':runs * 10')} INSERT INTO Execution
      (id, type_id, last_known_state, name, create_time_since_epoch, last_update_time_since_epoch)
    SELECT n + 1, iif(n % 10, 11, 10), 3, printf('run/%05d/step-%d', n / 10, n % 10), 1767225600000 + n, 1767225660000 + n
    FROM number`,
  `INSERT INTO ExecutionProperty (execution_id, name, is_custom_property, string_value, double_value, int_value, bool_value)
    SELECT id, 'display_name', 1, 'step ' || (id % 10) || char(10) || 'train; --„Modell“ 🚂', NULL, NULL, NULL FROM Execution
     WHERE id <= :runs * 10
    UNION ALL SELECT id, 'inputs.learning_rate', 1, NULL, 1.0 / (id + 2), NULL, NULL FROM Execution
    UNION ALL SELECT id, 'cached_execution_id', 1, NULL, NULL, id * 7919, NULL FROM Execution`,
  `${numbers(':runs * 10')} INSERT INTO Artifact
      (id, type_id, uri, state, name, create_time_since_epoch, last_update_time_since_epoch)
    SELECT n + 1, 1 + n % 3, printf('minio://mlpipeline/v2/artifacts/p/%08x/%d/output', n * 2654435761, n % 10), 2,
      printf('artifact-%06d', n), 1767225600000 + n, 1767225600000 + n FROM number`,
  `INSERT INTO ArtifactProperty (artifact_id, name, is_custom_property, string_value, double_value, proto_value)
    SELECT id, 'display_name', 1, 'metrics ' || id, NULL, NULL FROM Artifact WHERE id <= :runs * 10
    UNION ALL SELECT id, 'accuracy', 1, NULL, 1 - 1.0 / (id * 3 + 1), NULL FROM Artifact
    UNION ALL SELECT id, 'confusion', 1, NULL, NULL, CAST(printf('%c%c%s', id % 127 + 1, 10, id) AS BLOB) FROM Artifact`,
  `INSERT INTO Event (id, artifact_id, execution_id, type, milliseconds_since_epoch)
    SELECT id, id, id, 4, create_time_since_epoch FROM Artifact WHERE id <= :runs * 10`,
  `INSERT INTO EventPath SELECT id, 0, NULL, 'output' FROM Event WHERE id <= :runs * 10`,
  `INSERT INTO Association (context_id, execution_id) SELECT (id - 1) / 10 + 1, id FROM Execution WHERE id <= :runs * 10`,
  `INSERT INTO Attribution (context_id, artifact_id) SELECT (id - 1) / 10 + 1, id FROM Artifact WHERE id <= :runs * 10`,
];
