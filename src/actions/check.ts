import { laterRefusals } from '../backup/later-refusals.ts';
import { preflight } from '../backup/preflight.ts';
import { moveDatabasesOn } from '../components/databases/paths.ts';
import { CharmError } from '../errors.ts';
import { clusterRoleText } from '../operation/cluster-role.ts';
import { layoutOf, neverASet } from '../repository/layout.ts';
import { publicKeyText } from '../repository/signature.ts';
import { serverText } from '../operation/probe-server.ts';
import { tellOfTest } from '../notify/tell.ts';
import { countText, listText } from '../text.ts';
import type { Protection, World } from '../world.ts';
import type { Action } from './action.ts';
import { requestOf } from './backup-control-plane.ts';

/**
 * Looks at everything that a backup needs. Fails with all problems. Otherwise the results say what
 * a backup would save, and its warnings. A database that cannot write to its path is moved to
 * another one, as a backup would do.
 */
export const check: Action = async (world, config, parameters, wrongOptions = []) => {
  await world.progress.step('Checking whether a backup can be made');
  const told = parameters['notify'] === true ? await tellOfTest(world) : undefined;
  if (told instanceof CharmError) await world.progress.note(told.message);
  const request = requestOf(parameters);
  await using ready = await preflight(world, config, request, async function* (opened) {
    yield* wrongOptions;
    yield* laterRefusals(world, config, opened, request);
  }).catch(async (error: unknown) => {
    await showRole(world, error);
    throw error;
  });
  await moveDatabasesOn(world, ready);
  const { plan, sources, target, server, running, warnings, signing } = ready;
  const [publicKey] = signing?.trusted ?? [];
  const protection = await target.store.protection(layoutOf(target.prefix).manifest(neverASet));
  for (const warning of warnings) await world.progress.note(`Warning: ${warning}`);
  return {
    result: 'ready',
    location: `s3://${target.bucket}/${target.prefix}`,
    server: serverText(server),
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
    versioning: protection.versioning,
    'object-lock': lockText(protection.lock),
    'keys-may-delete': protection.mayDelete,
    ...(publicKey && { 'public-key': publicKeyText(publicKey) }),
    ...(told !== undefined && {
      notification: told instanceof CharmError ? 'not sent' : told,
    }),
    warnings: warnings.length === 0 ? 'none' : listText(warnings, 10, 2000),
  };
};

/** `juju trust` gives everything or nothing. This shows the role that is enough. */
const showRole = async ({ application, model, progress }: World, error: unknown): Promise<void> => {
  const found = error instanceof CharmError ? [error, ...error.problems] : [];
  if (found.some(({ code }) => code === 'kubernetes-denied'))
    await progress.note(
      `In place of juju trust an administrator of the cluster may apply this (kubectl apply -f -):\n${clusterRoleText(application, model.name)}`,
    );
};

const lockText = (lock: Protection['lock']): string =>
  lock.kind === 'default'
    ? `${lock.mode} for ${countText(lock.days, 'day')}`
    : lock.kind === 'on'
      ? 'on, without a retention by default'
      : lock.kind;
