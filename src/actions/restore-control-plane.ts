import { resultsOf } from '../restore/describe-plan.ts';
import type { RestoreRequest } from '../restore/set.ts';
import { runRestore } from '../restore/run-restore.ts';
import type { Action } from './action.ts';

/** Puts a backup set back, or says what that would do. Results: what was restored, and where the databases write from now on. */
export const restoreControlPlane: Action = async (world, config, parameters) => {
  await world.progress.note(
    'This takes a while. juju run stops waiting after 60 s, and the restore goes on: use juju run --wait=6h, or --background' +
      ' and then juju show-operation --watch.',
  );
  const started = world.clock.now().getTime();
  const request = requestOf(parameters);
  const report = await runRestore(world, config, request);
  if (!('plan' in report)) {
    const seconds = (world.clock.now().getTime() - started) / 1000;
    return resultsOf(request.backupId, report, seconds, world.application);
  }
  for (const line of report.plan) await world.progress.note(line);
  return {
    'backup-id': request.backupId,
    'dry-run': 'true',
    components: report.components.join(','),
    plan: report.plan.join('\n'),
  };
};

/** Juju has validated the parameters against actions.yaml and filled in the defaults. */
const requestOf = (parameters: Readonly<Record<string, unknown>>): RestoreRequest => {
  const text = (name: string): string =>
    typeof parameters[name] === 'string' ? parameters[name].trim() : '';
  const components = text('components')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return {
    backupId: text('backup-id'),
    components: components.length > 0 ? components : undefined,
    dryRun: parameters['dry-run'] === true,
    deleteExtra: parameters['delete-extra'] === true,
    allowRunning: parameters['allow-running'] === true,
    confirm: text('confirm'),
    fromModel: text('from-model') || undefined,
    takeOver: parameters['take-over'] === true,
    timeoutSeconds: typeof parameters['timeout'] === 'number' ? parameters['timeout'] : 1800,
  };
};
