import { laterRefusals } from '../backup/later-refusals.ts';
import { preflight } from '../backup/preflight.ts';
import { moveDatabasesOn } from '../components/databases/paths.ts';
import { countText, listText } from '../text.ts';
import type { Action } from './action.ts';
import { requestOf } from './backup-control-plane.ts';

/**
 * Looks at everything that a backup needs. Fails with all problems. Otherwise the results say what
 * a backup would save, and its warnings. A database that cannot write to its path is moved to
 * another one, as a backup would do.
 */
export const check: Action = async (world, config, parameters, wrongOptions = []) => {
  await world.progress.step('Checking whether a backup can be made');
  const request = requestOf(parameters);
  await using ready = await preflight(world, config, request, async function* (opened) {
    yield* wrongOptions;
    yield* laterRefusals(world, config, opened, request);
  });
  await moveDatabasesOn(world, ready);
  const { plan, sources, target, running, warnings } = ready;
  for (const warning of warnings) await world.progress.note(`Warning: ${warning}`);
  return {
    result: 'ready',
    location: `s3://${target.bucket}/${target.prefix}`,
    ...(plan.databases.length > 0 && {
      databases: plan.databases
        .map(({ application, units }) =>
          units === application.scale
            ? `${application.name} (${countText(units, 'unit')})`
            : `${application.name} (${application.scale} to ${countText(units, 'unit')})`,
        )
        .join(', '),
    }),
    ...(plan.mlmd && { mlmd: plan.mlmd.name }),
    ...(sources.length > 0 && { buckets: sources.map(({ bucket }) => bucket).join(', ') }),
    ...(running.length > 0 && { running: listText(running, 10, 2000) }),
    warnings: warnings.length === 0 ? 'none' : listText(warnings, 10, 2000),
  };
};
