import { randomUUID } from 'node:crypto';
import { CharmError, orProblem } from '../errors.ts';
import { claimProblem, readClaim } from '../repository/claim.ts';
import { layoutOf } from '../repository/layout.ts';
import { lifetimeMilliseconds } from '../repository/lock-claims.ts';
import { claimAbove, claimBelow } from '../repository/nested-paths.ts';
import { aheadText } from '../text.ts';
import type { Source, Target, World } from '../world.ts';

/**
 * The problems of writing to S3 and of reading the source buckets. Writes one small object under
 * our own path and deletes it again. When that object is seen in a source bucket, the two are the
 * same bucket, whatever their names: MinIO can be a gateway to the S3 that backups go to.
 */
export async function* storageProblems(
  { model }: Pick<World, 'model'>,
  target: Target | undefined,
  sources: readonly Source[],
  takeOver: boolean,
): AsyncGenerator<CharmError> {
  const readable: Source[] = [];
  for (const source of sources) {
    const probed = await orProblem(() => source.store.probe());
    if (probed instanceof CharmError) yield probed;
    else readable.push(source);
  }
  if (target === undefined) return;

  const key = layoutOf(target.prefix).writeTest(randomUUID());
  const written = await orProblem(async () => {
    await target.store.probe();
    await target.store.put(key, 'Written to see whether it can be. May be deleted.\n');
  });
  if (written instanceof CharmError) {
    yield written;
    return;
  }
  for (const source of readable) {
    const found = await orProblem(() => source.store.head(key));
    if (found instanceof CharmError) yield found;
    else if (found !== undefined) yield sourceIsTarget(source, target);
  }
  const deleted = await orProblem(() => target.store.delete([key]));
  // Keys that may not delete are a protection, and the object is small.
  if (deleted instanceof CharmError && deleted.code !== 'store-denied') yield deleted;

  const found = await orProblem(() => readClaim(target));
  if (found instanceof CharmError) yield found;
  else if (!takeOver) {
    const claimed = claimProblem(target, model, found?.claim);
    if (claimed !== undefined) yield claimed;
  }
}

/**
 * The problems of a path that lies inside of another model's path, or around one. Only for backups:
 * a restore does not write there.
 */
export async function* nestingProblems(target: Target | undefined): AsyncGenerator<CharmError> {
  if (target === undefined) return;
  const problem = await orProblem(
    async () => (await claimAbove(target)) ?? (await claimBelow(target)),
  );
  if (problem !== undefined) yield problem;
}

/**
 * The problem of taking over another model's path while the clock of this unit is wrong: its sets
 * would be dated before or among those that are there. Writes a small object and deletes it again,
 * because S3 tells its time with that.
 */
export async function* takeOverProblems(
  { model, clock }: Pick<World, 'model' | 'clock'>,
  target: Target | undefined,
): AsyncGenerator<CharmError> {
  if (target === undefined) return;
  const ahead = await orProblem(async () => {
    const found = await readClaim(target);
    if (found === undefined || found.claim.model.uuid === model.uuid) return 0;
    const key = layoutOf(target.prefix).writeTest(randomUUID());
    const sent = clock.now().getTime();
    await target.store.put(key, 'Written to learn the time. May be deleted.\n');
    const written = await target.store.head(key);
    await orProblem(() => target.store.delete([key]));
    return sent - (written?.lastModified.getTime() ?? sent);
  });
  if (ahead instanceof CharmError) yield ahead;
  else if (Math.abs(ahead) > lifetimeMilliseconds) yield farOff(target, ahead);
}

const farOff = ({ prefix }: Target, ahead: number): CharmError =>
  new CharmError(
    'clock-wrong',
    `The clock of this unit is ${aheadText(ahead)} that of the S3 server, so the path ${prefix} of another model is not taken over:` +
      ' new backups would be dated before or among its own. Nothing was changed. Correct the clock of the node, or of the server, and run the action again.',
  );

const sourceIsTarget = (source: Source, target: Target): CharmError =>
  new CharmError(
    'source-is-target',
    `The source bucket ${source.bucket} at ${source.endpoint} and the target bucket ${target.bucket} at ${target.endpoint} are one and the same,` +
      ` so a backup would copy the bucket into itself. Nothing was changed. Choose another bucket: juju config ${target.application} bucket=<bucket>`,
  );
