import { Ajv, type JSONSchemaType } from 'ajv';
import { CharmError, hasCode } from '../errors.ts';
import type { Target } from '../world.ts';
import { layoutOf } from './layout.ts';

/**
 * The file `ckf-backup.json` at the prefix. It says which model the prefix belongs to, and which
 * path each database writes to.
 */
export interface Claim {
  readonly format: 1;
  readonly model: { readonly name: string; readonly uuid: string };
  /**
   * The number in each database's path. Each restore of a database adds one, because it moves the
   * database to another path.
   */
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

/** The claim of a prefix with the ETag that it has now; undefined when there is no claim. */
export const readClaim = async (
  target: Target,
): Promise<{ readonly claim: Claim; readonly etag: string } | undefined> => {
  const key = layoutOf(target.prefix).claim;
  const found = await target.store.head(key);
  if (found === undefined) return undefined;
  const claim = parseClaim((await target.store.read(key)).toString('utf8'));
  if (claim !== undefined) return { claim, etag: found.etag };
  throw new CharmError(
    'prefix-claimed',
    `${key} in ${target.store.description} is not a claim that this version of the charm understands. Nothing was changed.` +
      ` Use a newer revision of the charm when one wrote it; when it is damaged, delete it, and the next backup or restore writes it again.`,
  );
};

/** Undefined when a text is not a claim that this version of the charm understands. */
export const parseClaim = (text: string): Claim | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isClaim(value) ? value : undefined;
  } catch {
    return undefined;
  }
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
      ` of ${model.name} would mix with its backups. Use another path (juju config ${target.application} path=<path>), or, when that model is gone` +
      ` for good, take the path over with take-over=true.`,
  );
};

/**
 * Writes a claim in place of the one with this ETag. Rejects with `object-changed` when another
 * claim is there just before or just after the write. It looks itself, because not every server
 * compares ETags (see `takeLock`). Only the lock makes it certain.
 */
export const writeClaim = async (
  { store, prefix }: Target,
  claim: Claim,
  etag: string | undefined,
): Promise<void> => {
  const key = layoutOf(prefix).claim;
  const text = `${JSON.stringify(claim, undefined, 2)}\n`;
  const changed = (): CharmError =>
    new CharmError(
      'object-changed',
      `Another operation changed ${key} in ${store.description} at the same moment. Run the action again.`,
    );
  if ((await store.head(key))?.etag !== etag) throw changed();
  await store.put(key, text, { metadata: { contentType: 'application/json' } });
  if ((await store.read(key)).toString('utf8') !== text) throw changed();
};

/**
 * Claims a prefix that has no claim yet. When the generations in the claim are behind those that
 * the databases were handed, as after a restore that was killed, it brings them up to date. Rejects
 * with `prefix-claimed` when another model has the prefix, or claims it at the same moment.
 */
export const ensureClaim = async (
  target: Target,
  model: Claim['model'],
  handed: Claim['generations'],
): Promise<Claim> => {
  const found = await readClaim(target);
  const problem = claimProblem(target, model, found?.claim);
  if (problem !== undefined) throw problem;
  const before = found?.claim.generations ?? {};
  const ahead = Object.entries(handed).filter(([name, number]) => number > (before[name] ?? 1));
  if (found !== undefined && ahead.length === 0) return found.claim;
  const claim: Claim = {
    format: 1,
    model,
    generations: { ...before, ...Object.fromEntries(ahead) },
  };
  try {
    await writeClaim(target, claim, found?.etag);
  } catch (error) {
    if (!hasCode(error, 'object-changed')) throw error;
    const winner = await readClaim(target);
    throw claimProblem(target, model, winner?.claim) ?? error;
  }
  return claim;
};
