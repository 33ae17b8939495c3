import { inUseModes } from '../config/volumes.ts';
import { CharmError, hasCode } from '../errors.ts';
import { sendingLog } from '../notify/send-log.ts';
import { durationText, listText, sizeText, sum } from '../text.ts';
import { type BackupVolumesRequest, backUpVolumes } from '../volumes/back-up-volumes.ts';
import { volumesRoleText } from '../volumes/pods/cluster-role.ts';
import type { SessionRecord } from '../volumes/records/session-record.ts';
import { tellOfRefusal, tellOfVolumes } from '../volumes/tell-of-volumes.ts';
import type { World } from '../world.ts';
import { type Action, slotParameter } from './action.ts';

/**
 * Backs up users' volumes. Results: the session, its phase, and how many volumes ended how. Fails
 * with `volumes-failed` when the backup of a volume failed; the others are kept. Fails with
 * `volume-damaged` when a check of the schedule found damage in what is stored. Fails with
 * `backup-running` while another session is at work; the schedule then tries again.
 */
export const backupVolumes: Action = async (world, config, parameters) => {
  await world.progress.note(
    'This takes a while. juju run stops waiting after 60 s, and the backup goes on: use juju run --wait=6h, or --background' +
      ' and then juju show-task <id> --watch.',
  );
  const slot = slotParameter(parameters['slot']);
  const request = requestOf(parameters['volumes']);
  const inUse = inUseModes.find((mode) => mode === parameters['in-use']) ?? config.volumes.inUse;
  const volumes = { ...config.volumes, inUse };
  const told = (record: SessionRecord) => tellOfVolumes(world, record);
  const session = await sendingLog(world, (progress) =>
    backUpVolumes({ ...world, progress }, volumes, request, { slot, told }),
  ).catch(async (error: unknown) => {
    if (error instanceof CharmError && !isToldLater(error, slot)) await tellOfRefusal(world, error);
    if (hasCode(error, 'kubernetes-denied')) await showRole(world);
    throw error;
  });
  if (session.volumes.some(({ code }) => code === 'kubernetes-denied')) await showRole(world);
  const results = resultsOf(session);
  const failed = session.volumes.filter(({ phase }) => phase === 'Failed');
  if (failed.length === 0 && session.reason !== undefined)
    throw new CharmError('volume-damaged', session.reason, { results });
  if (failed.length === 0) return results;
  throw new CharmError(
    'volumes-failed',
    `${failed.length} of ${session.volumes.length} volumes could not be backed up: ${listText(
      failed.map(({ namespace, claim }) => `${namespace}/${claim}`),
      3,
    )}. The first: ${failed[0]?.reason ?? ''}`,
    { results },
  );
};

/** `juju trust` gives everything or nothing. This is enough. */
const showRole = ({ application, model, progress }: World): Promise<void> =>
  progress.note(
    `In place of juju trust an administrator of the cluster may apply this (kubectl apply -f -):\n${volumesRoleText(application, model.name)}`,
  );

/**
 * Of a run that was asked to stop the next hook tells, which ends its session; and the schedule of
 * one that met another session, which it tries again.
 */
const isToldLater = (error: CharmError, slot: Date | undefined): boolean =>
  hasCode(error, 'interrupted', 'stopped') ||
  (slot !== undefined && hasCode(error, 'backup-running'));

const requestOf = (pattern: unknown): BackupVolumesRequest =>
  typeof pattern === 'string' && pattern.trim() !== ''
    ? { kind: 'matching', pattern: pattern.trim() }
    : { kind: 'all' };

const resultsOf = ({
  id,
  phase,
  started,
  finished,
  volumes,
  removed = [],
  notRemoved,
}: SessionRecord): Readonly<Record<string, string>> => {
  const count = (wanted: string): string =>
    String(volumes.filter((volume) => volume.phase === wanted).length);
  return {
    session: id,
    phase,
    succeeded: count('Succeeded'),
    partial: count('PartiallyFailed'),
    failed: count('Failed'),
    skipped: count('Skipped'),
    'bytes-added': sizeText(sum(volumes.map(({ added = 0 }) => added))),
    removed: String(removed.length),
    ...(notRemoved !== undefined && { 'not-removed': notRemoved }),
    duration: durationText((Date.parse(finished ?? started) - Date.parse(started)) / 1000),
  };
};
