/**
 * The provider's side of the object-storage interface, version 1, parsed with every value as a
 * text.
 */
export const objectStorageSchema = {
  type: 'object',
  properties: {
    'access-key': { type: 'string', pattern: '.' },
    'secret-key': { type: 'string', pattern: '.' },
    service: { type: 'string', pattern: '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$' },
    namespace: { type: 'string', pattern: '^([a-z0-9]([a-z0-9-]*[a-z0-9])?|~)?$' },
    port: { type: 'string', pattern: '^[0-9]{1,5}$' },
    secure: { type: 'string', pattern: '^([Tt]rue|[Ff]alse)$' },
  },
  required: ['access-key', 'secret-key', 'service', 'port', 'secure'],
} as const;

export interface ObjectStorageData {
  readonly 'access-key': string;
  readonly 'secret-key': string;
  readonly service: string;
  readonly namespace?: string;
  readonly port: string;
  readonly secure: string;
}
