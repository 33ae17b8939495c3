/*
 * The tables and indexes that ML Metadata 1.14 makes in SQLite, its schema version 10
 * (google/ml-metadata, ml_metadata/util/metadata_source_query_config.cc).
 */

const types = 'id INTEGER PRIMARY KEY AUTOINCREMENT, type_id INT NOT NULL';
const times =
  'create_time_since_epoch INT NOT NULL DEFAULT 0, last_update_time_since_epoch INT NOT NULL DEFAULT 0';
const externalId = 'external_id VARCHAR(255) UNIQUE';

const propertyTable = (of: string): string => `CREATE TABLE \`${of}Property\` (
  \`${of.toLowerCase()}_id\` INT NOT NULL, name VARCHAR(255) NOT NULL, is_custom_property TINYINT(1) NOT NULL,
  int_value INT, double_value DOUBLE, string_value TEXT, byte_value BLOB, proto_value BLOB, bool_value BOOLEAN,
  PRIMARY KEY (\`${of.toLowerCase()}_id\`, name, is_custom_property))`;

export const mlmdTables: readonly string[] = [
  `CREATE TABLE \`Type\` (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(255) NOT NULL, version VARCHAR(255),
    type_kind TINYINT(1) NOT NULL, description TEXT, input_type TEXT, output_type TEXT, ${externalId})`,
  'CREATE TABLE `ParentType` (type_id INT NOT NULL, parent_type_id INT NOT NULL, PRIMARY KEY (type_id, parent_type_id))',
  'CREATE TABLE `TypeProperty` (type_id INT NOT NULL, name VARCHAR(255) NOT NULL, data_type INT NULL, PRIMARY KEY (type_id, name))',
  `CREATE TABLE \`Artifact\` (${types}, uri TEXT, state INT, name VARCHAR(255), ${externalId}, ${times}, UNIQUE(type_id, name))`,
  propertyTable('Artifact'),
  `CREATE TABLE \`Execution\` (${types}, last_known_state INT, name VARCHAR(255), ${externalId}, ${times}, UNIQUE(type_id, name))`,
  propertyTable('Execution'),
  `CREATE TABLE \`Context\` (${types}, name VARCHAR(255) NOT NULL, ${externalId}, ${times}, UNIQUE(type_id, name))`,
  propertyTable('Context'),
  'CREATE TABLE `ParentContext` (context_id INT NOT NULL, parent_context_id INT NOT NULL, PRIMARY KEY (context_id, parent_context_id))',
  `CREATE TABLE \`Event\` (id INTEGER PRIMARY KEY AUTOINCREMENT, artifact_id INT NOT NULL, execution_id INT NOT NULL,
    type INT NOT NULL, milliseconds_since_epoch INT, UNIQUE(artifact_id, execution_id, type))`,
  'CREATE TABLE `EventPath` (event_id INT NOT NULL, is_index_step TINYINT(1) NOT NULL, step_index INT, step_key TEXT)',
  `CREATE TABLE \`Association\` (id INTEGER PRIMARY KEY AUTOINCREMENT, context_id INT NOT NULL, execution_id INT NOT NULL,
    UNIQUE(context_id, execution_id))`,
  `CREATE TABLE \`Attribution\` (id INTEGER PRIMARY KEY AUTOINCREMENT, context_id INT NOT NULL, artifact_id INT NOT NULL,
    UNIQUE(context_id, artifact_id))`,
  'CREATE TABLE `MLMDEnv` (schema_version INTEGER PRIMARY KEY)',
];

const timed = ['artifact', 'execution', 'context'] as const;
const table = (name: (typeof timed)[number]): string => name[0]!.toUpperCase() + name.slice(1);

export const mlmdIndexes: readonly string[] = [
  'CREATE INDEX `idx_artifact_uri` ON `Artifact`(`uri`)',
  'CREATE INDEX `idx_event_execution_id` ON `Event`(`execution_id`)',
  'CREATE INDEX `idx_parentcontext_parent_context_id` ON `ParentContext`(`parent_context_id`)',
  'CREATE INDEX `idx_type_name` ON `Type`(`name`)',
  'CREATE INDEX `idx_eventpath_event_id` ON `EventPath`(`event_id`)',
  'CREATE INDEX `idx_type_external_id` ON `Type`(`external_id`)',
  ...timed.flatMap((name) => [
    ...['create', 'last_update'].map(
      (time) =>
        `CREATE INDEX idx_${name}_${time}_time_since_epoch ON ${table(name)}(${time}_time_since_epoch)`,
    ),
    ...['int', 'double', 'string'].map(
      (type) =>
        `CREATE INDEX idx_${name}_property_${type} ON ${table(name)}Property(name, is_custom_property, ${type}_value) ` +
        `WHERE ${type}_value IS NOT NULL`,
    ),
    `CREATE INDEX idx_${name}_external_id ON ${table(name)}(external_id)`,
  ]),
];
