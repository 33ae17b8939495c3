import { Ajv } from 'ajv';
import { type GivenOptions, configSchema } from './options.ts';

// The build replaces each *-validator.ts by the code that ajv makes of its schema: ajv itself would
// cost every hook more time than all the rest.
export const validate = new Ajv({ allErrors: true }).compile<GivenOptions>(configSchema);
