import { keysText } from '../components/buckets/failed-objects.ts';
import { CharmError, orProblem } from '../errors.ts';
import { howToStop } from '../operation/stop-request.ts';
import { keepProof } from '../repository/proofs.ts';
import type { RestoreReport } from '../restore/describe-plan.ts';
import { runRestore } from '../restore/run-restore.ts';
import { parseRenamedBuckets } from '../restore/sources.ts';
import type { RestoreRequest } from '../restore/set.ts';
import { countText, sum, sizeText, durationText, secondText } from '../text.ts';
import type { World } from '../world.ts';
import { type Action, asOfParameter, backupIdParameter } from './action.ts';

/**
 * Restores a backup set, or reports what that would do. Fails with `set-damaged` when objects were
 * left out because their backup is lost. Results: what was restored, and where the databases write
 * from now on.
 */
export const restoreControlPlane: Action = async (world, config, parameters) => {
  await world.progress.note(
    'This takes a while. juju run stops waiting after 60 s, and the restore goes on: use juju run --wait=6h, or --background' +
      ' and then juju show-task <id> --watch.' +
      howToStop(world.application, world.task),
  );
  const started = world.clock.now().getTime();
  const request = requestOf(world, parameters);
  const report = await runRestore(world, config, request);
  if (!('plan' in report)) {
    const seconds = (world.clock.now().getTime() - started) / 1000;
    const results = resultsOf(request.backupId, report, seconds, world.application);
    await keep(world, request, report, seconds);
    const lost = lostOf(request.backupId, report, results);
    if (lost !== undefined) throw lost;
    return results;
  }
  for (const line of report.plan) await world.progress.note(line);
  return {
    'backup-id': request.backupId,
    'dry-run': 'true',
    components: report.components.join(','),
    plan: report.plan.join('\n'),
  };
};

/**
 * A restore of a whole set proves it, and its duration is the best estimate for the next one. When
 * that cannot be noted, the restore is complete all the same.
 */
const keep = async (
  world: World,
  { backupId, components, asOf }: RestoreRequest,
  { buckets }: RestoreReport,
  seconds: number,
): Promise<void> => {
  if (components !== undefined || asOf !== undefined) return;
  const kept = await orProblem(async () => {
    const target = await world.openTarget();
    await using _store = target.store;
    await keepProof(target, backupId, {
      ...{ kind: 'restore', at: secondText(world.clock.now()), seconds },
      intact: buckets.every(({ lost }) => lost.count === 0),
      bytes: sum(buckets.map(({ bytesCopied }) => bytesCopied)),
    });
  });
  if (kept instanceof CharmError)
    await world.progress.note(`That it was restored could not be noted: ${kept.message}`);
};

/** Juju has validated the parameters against actions.yaml and filled in the defaults. */
const requestOf = (world: World, parameters: Readonly<Record<string, unknown>>): RestoreRequest => {
  const text = (name: string): string =>
    typeof parameters[name] === 'string' ? parameters[name].trim() : '';
  const components = text('components')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return {
    backupId: backupIdParameter(world, 'backup-id', text('backup-id')),
    components: components.length > 0 ? components : undefined,
    dryRun: parameters['dry-run'] === true,
    deleteExtra: parameters['delete-extra'] === true,
    renamed: parseRenamedBuckets(text('rename-buckets')),
    allowDamaged: parameters['allow-damaged'] === true,
    allowUnsigned: parameters['allow-unsigned'] === true,
    allowRunning: parameters['allow-running'] === true,
    thaw: parameters['thaw'] === true,
    confirm: text('confirm'),
    fromModel: text('from-model') || undefined,
    takeOver: parameters['take-over'] === true,
    asOf: asOfParameter(world, parameters),
    timeoutSeconds: typeof parameters['timeout'] === 'number' ? parameters['timeout'] : 1800,
  };
};

/** The action's results: flat and short. */
const resultsOf = (
  backupId: string,
  { components, buckets, mlmd, databases }: RestoreReport,
  seconds: number,
  application: string,
): Record<string, string> => ({
  'backup-id': backupId,
  restored: components.join(','),
  duration: durationText(seconds),
  ...(buckets.some(({ untagged }) => untagged > 0) && {
    'mlpipeline-untagged': String(sum(buckets.map(({ untagged }) => untagged))),
  }),
  ...(buckets.length > 0 && {
    'mlpipeline-objects': String(sum(buckets.map(({ objects }) => objects))),
    'mlpipeline-copied': String(sum(buckets.map(({ copied }) => copied))),
    'mlpipeline-bytes-copied': sizeText(sum(buckets.map(({ bytesCopied }) => bytesCopied))),
    'mlpipeline-extra': String(sum(buckets.map(({ extra }) => extra))),
    'mlpipeline-seconds': sum(buckets.map((bucket) => bucket.seconds)).toFixed(1),
  }),
  ...(mlmd && {
    'mlmd-rows': String(mlmd.rows),
    'mlmd-way': mlmd.way,
    'mlmd-kept': mlmd.kept,
    'mlmd-seconds': mlmd.seconds.toFixed(1),
  }),
  ...Object.fromEntries(
    databases.flatMap(
      ({ component, databaseBackupId, path, seconds: taken }): [string, string][] => [
        [`${component}-backup-id`, databaseBackupId],
        ...(path === undefined ? [] : [[`${component}-path`, path] satisfies [string, string]]),
        [`${component}-seconds`, taken.toFixed(1)],
      ],
    ),
  ),
  ...(databases.length > 0 && { next: nextOf(databases, application) }),
});

/**
 * After a restore with `allow-damaged`: the error that names the objects that are lost. Undefined
 * when none are.
 */
const lostOf = (
  backupId: string,
  { buckets }: RestoreReport,
  results: Readonly<Record<string, string>>,
): CharmError | undefined => {
  const count = sum(buckets.map(({ lost }) => lost.count));
  if (count === 0) return undefined;
  const keys = buckets.flatMap(({ lost }) => lost.first.map(({ key }) => key));
  const lists = buckets.flatMap(({ lostList }) => lostList ?? []);
  return new CharmError(
    'set-damaged',
    `All of ${backupId} was restored but ${countText(count, 'object')} whose backup is lost or damaged: ${keysText(keys)}.` +
      (lists.length > 0 ? ` All of them are listed in ${lists.join(' and ')}.` : '') +
      ' Bring them back from another set, or make a new backup of what is there.',
    { results: { ...results, 'mlpipeline-lost': String(count) } },
  );
};

/**
 * What an operator must know about the databases: mysql-k8s refuses backups until they write to
 * another path.
 */
const nextOf = (databases: RestoreReport['databases'], application: string): string => {
  const moved = databases.filter(({ path }) => path !== undefined);
  const stuck = databases.filter(({ path }) => path === undefined);
  return [
    ...(moved.length > 0
      ? [
          `From now on ${moved.map(({ application, path }) => `${application} writes to ${path ?? ''}`).join(' and ')}.`,
        ]
      : []),
    ...(stuck.length > 0
      ? [
          `${stuck.map(({ application }) => application).join(' and ')} can make no backups before getting another path in S3: run this action with` +
            ` take-over=true, set another path with juju config ${application} path=<path>, or change its own s3-integrator.`,
        ]
      : []),
    'Then make a backup.',
  ].join(' ');
};
