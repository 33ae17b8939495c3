/*
 * The rules of charmcraft 4 and Juju 3.6 that our files could break, as JSON Schema: which keys
 * there are, and what form they have (canonical/charmcraft, schema/charmcraft.json `PlatformCharm`;
 * Juju, charm/meta.go). Written down here because a test has no network.
 */

const text = { type: 'string', minLength: 1 } as const;
const architecture = '(amd64|arm64|armhf|ppc64el|riscv64|s390x)';

/**
 * charmcraft.yaml with name, summary and description, which charmcraft takes from metadata.yaml
 * when that exists.
 */
export const charmcraftProject = {
  type: 'object',
  required: ['type', 'name', 'summary', 'description', 'platforms', 'parts'],
  additionalProperties: false,
  properties: {
    type: { const: 'charm' },
    name: {
      type: 'string',
      pattern: '^([a-z0-9][a-z0-9-]?)*[a-z]+([a-z0-9-]?[a-z0-9])*$',
      maxLength: 40,
    },
    summary: { type: 'string', maxLength: 200 },
    description: text,
    platforms: {
      type: 'object',
      minProperties: 1,
      additionalProperties: false,
      // The shorthand of several bases: each name stands for what it is built on and for.
      patternProperties: { [`^ubuntu@\\d\\d\\.(04|10):${architecture}$`]: { type: 'null' } },
    },
    parts: {
      type: 'object',
      minProperties: 1,
      // A part of this name is built by the plugin for Python.
      propertyNames: { not: { const: 'charm' } },
      additionalProperties: {
        type: 'object',
        required: ['plugin'],
        additionalProperties: false,
        properties: {
          // The plugins that charmcraft's documentation supports.
          plugin: { enum: ['nil', 'dump', 'python', 'poetry', 'uv'] },
          source: text,
          'build-snaps': { type: 'array', items: text },
          'override-build': text,
          prime: { type: 'array', items: { type: 'string', pattern: '^[^/]' }, minItems: 1 },
        },
      },
    },
  },
} as const;

const endpoints = {
  type: 'object',
  propertyNames: { pattern: '^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$' },
  additionalProperties: {
    type: 'object',
    required: ['interface', 'optional', 'description'],
    additionalProperties: false,
    properties: {
      interface: { type: 'string', pattern: '^[a-z][a-z0-9_-]*$' },
      limit: { type: 'integer', minimum: 1 },
      optional: { type: 'boolean' },
      description: text,
    },
  },
} as const;

/**
 * A key of the old form (series, deployment, min-juju-version) next to assumes or charm-user is
 * refused by Juju.
 */
export const jujuMetadata = {
  type: 'object',
  required: ['name', 'display-name', 'summary', 'description', 'assumes', 'charm-user'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', pattern: '^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$' },
    'display-name': { type: 'string', minLength: 2, maxLength: 40 },
    summary: { type: 'string', maxLength: 200 },
    description: text,
    assumes: {
      type: 'array',
      items: { type: 'string', pattern: '^(k8s-api|juju [<>]=? [\\d.]+)$' },
    },
    'charm-user': { enum: ['root', 'sudoer', 'non-root'] },
    requires: endpoints,
    provides: endpoints,
    peers: endpoints,
    storage: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        required: ['type'],
        additionalProperties: false,
        properties: {
          type: { enum: ['filesystem', 'block'] },
          'minimum-size': { type: 'string', pattern: '^\\d+[MGTP]$' },
          description: text,
        },
      },
    },
  },
} as const;
