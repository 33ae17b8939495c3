import { Ajv, type JSONSchemaType } from 'ajv';
import { CharmError, hasCode } from '../errors.ts';
import type { Target } from '../world.ts';
import { layoutOf } from './layout.ts';

/** To which model a prefix belongs, and which path each database writes to. `ckf-backup.json` at the prefix. */
export interface Claim {
  readonly format: 1;
  readonly model: { readonly name: string; readonly uuid: string };
  /** Counted up by each restore of a database, which moves it to another path. */
  readonly generations: Readonly<Record<string, number>>;
}

const schema: JSONSchemaType<Claim> = {
  type: 'object',
  required: ['format', 'model', 'generations'],
  properties: {
    format: { type: 'integer', const: 1 },
    model: {
      type: 'object',
      required: ['name', 'uuid'],
      properties: { name: { type: 'string' }, uuid: { type: 'string' } },
    },
    generations: {
      type: 'object',
      required: [],
      additionalProperties: { type: 'integer', minimum: 1 },
    },
  },
};

const isClaim = new Ajv().compile(schema);

/** The claim of a prefix with the ETag that it has now; undefined when nobody has claimed it. */
export const readClaim = async (
  target: Target,
): Promise<{ readonly claim: Claim; readonly etag: string } | undefined> => {
  const key = layoutOf(target.prefix).claim;
  const found = await target.store.head(key);
  if (found === undefined) return undefined;
  let claim: unknown;
  try {
    claim = JSON.parse((await target.store.read(key)).toString('utf8'));
  } catch (error) {
    if (error instanceof CharmError) throw error;
  }
  if (isClaim(claim)) return { claim, etag: found.etag };
  throw new CharmError(
    'prefix-claimed',
    `${key} in ${target.store.description} is not a claim that this version of the charm understands. Nothing was changed.` +
      ` Use another path (juju config ckf-backup path=...), or a newer revision of the charm.`,
  );
};

/** Why this model may not write to the prefix; undefined when it may. */
export const claimProblem = (
  target: Target,
  model: Claim['model'],
  claim: Claim | undefined,
): CharmError | undefined => {
  if (claim === undefined || claim.model.uuid === model.uuid) return undefined;
  return new CharmError(
    'prefix-claimed',
    `The path ${target.prefix} in bucket ${target.bucket} belongs to the model ${claim.model.name} (${claim.model.uuid}), and a backup` +
      ` of ${model.name} would mix with its backups. Use another path (juju config ckf-backup path=...), or, when that model is gone` +
      ` for good, take the path over with take-over=true.`,
  );
};

/** Makes the prefix ours. Rejects with `prefix-claimed` when another model was quicker. */
export const ensureClaim = async (
  target: Target,
  model: Claim['model'],
  takeOver: boolean,
): Promise<Claim> => {
  const found = await readClaim(target);
  if (found !== undefined && found.claim.model.uuid === model.uuid) return found.claim;
  const problem = claimProblem(target, model, found?.claim);
  if (problem !== undefined && !takeOver) throw problem;
  const claim: Claim = { format: 1, model, generations: found?.claim.generations ?? {} };
  try {
    await target.store.put(
      layoutOf(target.prefix).claim,
      `${JSON.stringify(claim, undefined, 2)}\n`,
      {
        metadata: { contentType: 'application/json' },
        ...(found === undefined ? { ifAbsent: true } : { ifMatch: found.etag }),
      },
    );
  } catch (error) {
    if (!hasCode(error, 'object-exists', 'object-changed')) throw error;
    const winner = await readClaim(target);
    throw claimProblem(target, model, winner?.claim) ?? error;
  }
  return claim;
};
