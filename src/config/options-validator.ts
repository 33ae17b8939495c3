import { Ajv } from 'ajv';
import { type GivenOptions, configSchema } from './options.ts';

// The build replaces each *-validator.ts by the code that ajv generates from its schema. Loading
// ajv itself would cost a hook more time than everything else.
export const validate = new Ajv({ allErrors: true }).compile<GivenOptions>(configSchema);
