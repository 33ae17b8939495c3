import type { BackupRequest } from '../backup/preflight.ts';
import { runBackup } from '../backup/run-backup.ts';
import { sendingLog } from '../notify/send-log.ts';
import { tellOfSession } from '../notify/tell.ts';
import { howToStop } from '../operation/stop-request.ts';
import type { BackupManifest, DatabaseBackup } from '../repository/manifest.ts';
import { type RunTrigger, recordRun } from '../sessions/record-run.ts';
import { durationText, sizeText, sum } from '../text.ts';
import { type Action, slotParameter } from './action.ts';

/**
 * Makes a backup. Results: the set's id and place, whether it is consistent, and numbers for each
 * component.
 */
export const backupControlPlane: Action = async (world, config, parameters) => {
  await world.progress.note(
    'This takes a while. juju run stops waiting after 60 s, and the backup goes on: use juju run --wait=6h, or --background' +
      ' and then juju show-task <id> --watch.' +
      howToStop(world.application, world.task),
  );
  const request = requestOf(parameters);
  const trigger = triggerOf(parameters);
  const { manifest, location } = await sendingLog(world, (progress) =>
    recordRun(
      { ...world, progress },
      trigger,
      (recorded) => runBackup(recorded, config, request),
      (session) => tellOfSession(world, session),
    ),
  );
  return results(manifest, location);
};

/** Juju has validated the parameters against actions.yaml and filled in the defaults. */
export const requestOf = (parameters: Readonly<Record<string, unknown>>): BackupRequest => ({
  allowRunning: parameters['allow-running'] === true,
  allowShrink: parameters['allow-shrink'] === true,
  takeOver: parameters['take-over'] === true,
  timeoutSeconds: typeof parameters['timeout'] === 'number' ? parameters['timeout'] : 1800,
});

/** The schedule enqueues this action with the slot that it is for. */
const triggerOf = ({ slot, attempt }: Readonly<Record<string, unknown>>): RunTrigger => {
  const time = slotParameter(slot);
  return time === undefined
    ? { slot: undefined, attempt: 1 }
    : { slot: time, attempt: typeof attempt === 'number' ? attempt : 1 };
};

const results = (manifest: BackupManifest, location: string): Record<string, string> => {
  const { databases, mlmd, buckets } = manifest;
  const seconds = (Date.parse(manifest.finished) - Date.parse(manifest.started)) / 1000;
  return {
    'backup-id': manifest.id,
    location,
    consistent: String(manifest.consistent),
    duration: durationText(seconds),
    ...databases.map(databaseResults).reduce((all, some) => ({ ...all, ...some }), {}),
    ...(mlmd && {
      'mlmd-object': mlmd.key,
      'mlmd-size': sizeText(mlmd.size),
      'mlmd-rows': String(sum(Object.values(mlmd.rows))),
      'mlmd-seconds': mlmd.seconds.toFixed(1),
    }),
    ...(buckets.length > 0 && {
      'mlpipeline-objects': String(sum(buckets.map(({ objects }) => objects))),
      'mlpipeline-size': sizeText(sum(buckets.map(({ size }) => size))),
      'mlpipeline-copied': String(sum(buckets.map(({ copied }) => copied))),
      'mlpipeline-seconds': sum(buckets.map((bucket) => bucket.seconds)).toFixed(1),
    }),
  };
};

const databaseResults = ({
  component,
  backupId: databaseBackupId,
  unit,
  size,
  seconds,
}: DatabaseBackup): Record<string, string> => ({
  [`${component}-backup-id`]: databaseBackupId,
  [`${component}-unit`]: unit,
  ...(size !== undefined && { [`${component}-size`]: sizeText(size) }),
  [`${component}-seconds`]: seconds.toFixed(1),
});
