import { Ajv } from 'ajv';
import { type ObjectStorageData, objectStorageSchema } from './object-storage-schema.ts';

// Replaced by generated code in the build; see config/options-validator.ts.
export const validate = new Ajv({ allErrors: true }).compile<ObjectStorageData>(
  objectStorageSchema,
);
