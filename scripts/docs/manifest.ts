import { manifestSchema } from '../../src/repository/manifest-schema.ts';
import { table } from './tables.ts';

/**
 * What each property means. The schema's properties and these are the same, or there is no page.
 */
const meanings: Readonly<Record<string, string>> = {
  format: 'The version of this format.',
  id: 'The id of the set: when the backup began, UTC, to the second.',
  model: 'The Juju model that was backed up.',
  'model.name': 'Its name.',
  'model.uuid': 'Its UUID.',
  started: 'When the backup began, UTC.',
  finished: 'When the manifest was written, UTC.',
  consistent: 'False when something ran, or began to run, while the backup was made.',
  running: 'What ran, such as `Workflow alice/train-1 (Running)`.',
  components: 'What the set consists of, from the option `components`.',
  server: 'What the S3 server did when the preflight tried it out; `check` shows the same.',
  'server.conditions':
    '`heeded`, or `ignored`: whether a PUT with `If-None-Match` is refused when it should be. The charm does not rely on it.',
  'server.digests':
    '`checked`, or `ignored`: whether bytes that do not fit their Content-MD5 are refused.',
  'server.tags': '`kept`, or `refused`: then the object lists have the tags.',
  'server.keys':
    '`any`, or `limited`: not every key that S3 allows can be stored and is listed afterwards.',
  'server.partEtags':
    '`md5`, `other`, or `unknown`: whether an object in parts has the ETag that S3 gives it.',
  'server.versions': '`kept`, or `replaced`: whether the bucket keeps what is overwritten.',
  'server.objectLock': '`on`, `off`, or `unknown`: whether the bucket has Object Lock.',
  'server.clockAheadSeconds':
    'By how much the clock of the unit was ahead of the server’s; negative when it was behind.',
  databases: 'The backups of the databases, by mysql-k8s.',
  'databases[].component': 'Our endpoint: `kfp-db` or `katib-db`.',
  'databases[].application': 'The Juju application.',
  'databases[].unit': 'The unit that `create-backup` ran on.',
  'databases[].charm': 'The URL of its charm.',
  'databases[].revision': 'The revision of its charm.',
  'databases[].version': 'The version of MySQL that its charm reports.',
  'databases[].backupId': 'mysql-k8s’ own id, for its action `restore`.',
  'databases[].path':
    'Where it lies in our bucket; absent when the database has an S3 storage of its own.',
  'databases[].location':
    'Where the S3 storage of its own is that the database writes to. Absent when the database writes to our bucket, and when nobody could tell: then the pages and `list-backups` say `location unknown`.',
  'databases[].location.endpoint': 'The URL of the server. Keys are never recorded.',
  'databases[].location.bucket': 'The bucket.',
  'databases[].location.region': 'The region.',
  'databases[].location.path': 'The path in the bucket; absent when it is the whole bucket.',
  'databases[].size': 'Bytes.',
  'databases[].objects': 'The number of objects.',
  'databases[].digest':
    'SHA-256 of a line `["<name>",<size>,"<etag>"]` for each of them, in the order of the listing; the name is what follows `<path>/<backupId>`.',
  'databases[].seconds': 'How long it took.',
  mlmd: 'The dump of ML Metadata; absent when the component is not in the set.',
  'mlmd.application': 'The Juju application.',
  'mlmd.key': 'The key of the dump.',
  'mlmd.size': 'Bytes of the object.',
  'mlmd.sha256': 'Of the object, hexadecimal.',
  'mlmd.digests':
    'For each table the SHA-256, in hex, of its content: a line with the names of its columns, and a line for each row as the dump writes its values.',
  'mlmd.schemaVersion': 'The version of ML Metadata’s schema.',
  'mlmd.rows': 'The number of rows of each table.',
  'mlmd.way': 'How it was read: `python3`, `sqlite3` or `copy`.',
  'mlmd.seconds': 'How long it took.',
  signature: 'Of all the rest, while the option `signing-key` is set.',
  'signature.algorithm': 'Ed25519 (RFC 8032).',
  'signature.publicKey': 'The key that it is to be checked with, as `check` shows it.',
  'signature.value': 'Base64.',
  buckets: 'The buckets of artifacts.',
  'buckets[].bucket': 'The name of the bucket in MinIO.',
  'buckets[].list': 'The object list.',
  'buckets[].list.key': 'Its key.',
  'buckets[].list.size': 'Its bytes.',
  'buckets[].list.sha256': 'Of it as it is stored, hexadecimal.',
  'buckets[].objects': 'The number of objects in the list.',
  'buckets[].size': 'The bytes of these objects.',
  'buckets[].copied': 'Objects that this backup copied.',
  'buckets[].bytesCopied': 'Their bytes.',
  'buckets[].archived':
    'Versions in the mirror that were moved to the history because they were replaced.',
  'buckets[].vanished': 'Objects that the source listed and that were gone when they were read.',
  'buckets[].tagsListed':
    'Objects whose tags are in the object list, because the target keeps none.',
  'buckets[].tagsUnreadable':
    'Objects whose tags the source could not read, and which have none in the set.',
  'buckets[].noneCameBackSince':
    'The set since which no object came back: what a set has from then on, and the set before it had not, was written to the mirror between the two. Retention reads fewer lists because of it.',
  'buckets[].seconds': 'How long it took.',
  timeline: 'What took how long. Chapters run side by side where they can.',
  'timeline[].chapter': 'What was done.',
  'timeline[].began': 'When it began.',
  'timeline[].seconds': 'How long it took.',
  'timeline[].waitedFor': 'Who it waited for.',
};

/** The properties of the manifest, with the form that the schema demands. */
export const manifestTable = (): string => {
  const rows = propertiesOf(manifestSchema, '');
  const names = new Set(rows.map(([name]) => name));
  for (const name of Object.keys(meanings))
    if (!names.has(name)) throw new Error(`the manifest has no ${name}`);
  return table(
    ['property', 'form', 'meaning'],
    rows.map(([name, form]) => {
      const meaning = meanings[name];
      if (meaning === undefined) throw new Error(`what ${name} of the manifest means is not said`);
      return [`\`${name}\``, form, meaning];
    }),
  );
};

const propertiesOf = (schema: unknown, at: string): readonly (readonly [string, string])[] => {
  const { properties, required } = fieldsOf(schema);
  return Object.entries(fieldsOf(properties)).flatMap(([name, property]) => {
    const path = at === '' ? name : `${at}.${name}`;
    const { type, const: fixed, items } = fieldsOf(property);
    const form = fixed === undefined ? String(type) : `\`${JSON.stringify(fixed)}\``;
    const isRequired = Array.isArray(required) && required.includes(name);
    const inner =
      items === undefined ? propertiesOf(property, path) : propertiesOf(items, `${path}[]`);
    return [[path, `${form}${isRequired ? '' : ', optional'}`] as const, ...inner];
  });
};

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};
