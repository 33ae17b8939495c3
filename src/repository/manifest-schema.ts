import type { JSONSchemaType } from 'ajv';
import type { BackupManifest } from './manifest.ts';

const count = { type: 'integer', minimum: 0 } as const;
const seconds = { type: 'number', minimum: 0 } as const;
const text = { type: 'string' } as const;
const name = { type: 'string', minLength: 1, maxLength: 1024 } as const;
/** The name of an application, an endpoint or a model in Juju. It goes into calls and messages. */
const jujuName = { type: 'string', pattern: '^[a-z][a-z0-9-]{0,62}$' } as const;
const sha256 = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;
const id = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$' } as const;
const time = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$',
} as const;

/**
 * JSON Schema of `manifest.json`, format 1. Unknown properties are allowed, so that a later charm
 * may add some.
 */
export const manifestSchema: JSONSchemaType<BackupManifest> = {
  type: 'object',
  required: [
    'format',
    'id',
    'model',
    'started',
    'finished',
    'consistent',
    'running',
    'components',
    'databases',
    'buckets',
  ],
  properties: {
    format: { type: 'integer', const: 1 },
    id,
    model: {
      type: 'object',
      required: ['name', 'uuid'],
      properties: { name, uuid: name },
    },
    started: time,
    finished: time,
    consistent: { type: 'boolean' },
    running: { type: 'array', items: text },
    components: { type: 'array', items: jujuName, minItems: 1, maxItems: 100 },
    server: {
      type: 'object',
      nullable: true,
      required: ['conditions', 'digests', 'tags', 'keys', 'partEtags', 'clockAheadSeconds'],
      properties: {
        conditions: { type: 'string', enum: ['heeded', 'ignored'] },
        digests: { type: 'string', enum: ['checked', 'ignored'] },
        tags: { type: 'string', enum: ['kept', 'refused'] },
        keys: { type: 'string', enum: ['any', 'limited'] },
        partEtags: { type: 'string', enum: ['md5', 'other', 'unknown'] },
        versions: { type: 'string', enum: ['kept', 'replaced', null], nullable: true },
        objectLock: { type: 'string', enum: ['on', 'off', 'unknown', null], nullable: true },
        clockAheadSeconds: { type: 'number' },
      },
    },
    databases: {
      type: 'array',
      items: {
        type: 'object',
        required: ['component', 'application', 'unit', 'charm', 'version', 'backupId', 'seconds'],
        properties: {
          component: jujuName,
          application: jujuName,
          unit: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,62}/\\d{1,9}$' },
          charm: text,
          revision: { ...count, nullable: true },
          version: text,
          backupId: name,
          path: { ...name, nullable: true },
          location: {
            type: 'object',
            nullable: true,
            required: ['endpoint', 'bucket'],
            properties: {
              endpoint: name,
              bucket: name,
              region: { ...name, nullable: true },
              path: { ...name, nullable: true },
            },
          },
          size: { ...count, nullable: true },
          objects: { ...count, nullable: true },
          digest: { ...sha256, nullable: true },
          seconds,
        },
      },
    },
    mlmd: {
      type: 'object',
      nullable: true,
      required: ['application', 'key', 'size', 'sha256', 'schemaVersion', 'rows', 'way', 'seconds'],
      properties: {
        application: jujuName,
        key: name,
        size: count,
        sha256,
        schemaVersion: count,
        rows: { type: 'object', required: [], additionalProperties: count },
        digests: { type: 'object', required: [], additionalProperties: sha256, nullable: true },
        way: name,
        seconds,
      },
    },
    signature: {
      type: 'object',
      nullable: true,
      required: ['algorithm', 'publicKey', 'value'],
      properties: {
        algorithm: { type: 'string', const: 'Ed25519' },
        publicKey: { type: 'string', pattern: '^[A-Za-z0-9+/]{59}=$' },
        value: { type: 'string', pattern: '^[A-Za-z0-9+/]{86}==$' },
      },
    },
    buckets: {
      type: 'array',
      items: {
        type: 'object',
        required: [
          'bucket',
          'list',
          'objects',
          'size',
          'copied',
          'bytesCopied',
          'archived',
          'vanished',
          'seconds',
        ],
        properties: {
          bucket: name,
          list: {
            type: 'object',
            required: ['key', 'size', 'sha256'],
            properties: { key: name, size: count, sha256 },
          },
          objects: count,
          size: count,
          copied: count,
          bytesCopied: count,
          archived: count,
          vanished: count,
          tagsListed: { ...count, nullable: true },
          tagsUnreadable: { ...count, nullable: true },
          noneCameBackSince: { ...id, nullable: true },
          seconds,
        },
      },
    },
    timeline: {
      type: 'array',
      nullable: true,
      items: {
        type: 'object',
        required: ['chapter', 'began', 'seconds', 'waitedFor'],
        properties: { chapter: text, began: time, seconds, waitedFor: text },
      },
    },
  },
};
