/*
 * What CycloneDX 1.6 demands of the parts of a bill of materials that ours has, and of no others.
 */

const text = { type: 'string', minLength: 1 } as const;
const purl = { type: 'string', pattern: '^pkg:npm/(%40[^/@]+/)?[^/@]+@[^@]+$' } as const;

const licences = {
  type: 'array',
  minItems: 1,
  items: {
    oneOf: [
      {
        type: 'object',
        required: ['license'],
        additionalProperties: false,
        properties: {
          license: {
            type: 'object',
            required: ['id'],
            additionalProperties: false,
            properties: { id: { type: 'string', pattern: '^[A-Za-z0-9.+-]+$' } },
          },
        },
      },
      {
        type: 'object',
        required: ['expression'],
        additionalProperties: false,
        properties: { expression: text },
      },
    ],
  },
} as const;

const component = {
  type: 'object',
  required: ['type', 'bom-ref', 'name', 'version', 'purl', 'licenses'],
  additionalProperties: false,
  properties: {
    type: { enum: ['application', 'library', 'platform'] },
    'bom-ref': text,
    group: text,
    name: { type: 'string', pattern: '^[^/]+$' },
    version: text,
    hashes: {
      type: 'array',
      items: {
        type: 'object',
        required: ['alg', 'content'],
        additionalProperties: false,
        properties: {
          alg: { const: 'SHA-512' },
          content: { type: 'string', pattern: '^[a-f0-9]{128}$' },
        },
      },
    },
    licenses: licences,
    purl,
  },
} as const;

export const cycloneDx = {
  type: 'object',
  required: ['bomFormat', 'specVersion', 'version', 'metadata', 'components', 'dependencies'],
  additionalProperties: false,
  properties: {
    bomFormat: { const: 'CycloneDX' },
    specVersion: { const: '1.6' },
    version: { type: 'integer', minimum: 1 },
    metadata: {
      type: 'object',
      required: ['component'],
      additionalProperties: false,
      properties: {
        lifecycles: {
          type: 'array',
          items: {
            type: 'object',
            required: ['phase'],
            properties: { phase: { enum: ['design', 'pre-build', 'build', 'post-build'] } },
          },
        },
        component,
      },
    },
    components: { type: 'array', uniqueItems: true, minItems: 1, items: component },
    dependencies: {
      type: 'array',
      uniqueItems: true,
      items: {
        type: 'object',
        required: ['ref'],
        additionalProperties: false,
        properties: { ref: text, dependsOn: { type: 'array', uniqueItems: true, items: text } },
      },
    },
  },
} as const;
