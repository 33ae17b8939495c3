import type { Config } from '../config/config.ts';
import { CharmError, type ErrorCode, orProblem } from '../errors.ts';
import type { MetricFacts, ScheduleFacts } from '../metrics/facts.ts';
import type { Assessment } from './assess.ts';
import type { KnownBackups } from './known-backups.ts';
import { type ScheduledWork, controlPlane, volumes } from './scheduled-work.ts';
import type { Unit } from './unit.ts';

/** How an action that says something about metrics has ended. */
export interface EndedAction {
  readonly name: string;
  readonly failures: readonly CharmError[];
}

export interface Known {
  readonly assessment: Assessment;
  /** Why the controller cannot be used; undefined when nobody has looked. */
  readonly controller?: readonly CharmError[] | undefined;
  readonly action?: EndedAction | undefined;
  /** As in MetricFacts; absent when it was not looked at. */
  readonly collectorError?: string | undefined;
  /**
   * Whether S3 may be asked for what is not known yet. That takes a while when S3 does not answer.
   */
  readonly mayAskS3?: boolean;
}

/**
 * The facts for the metrics. What was not looked at keeps its earlier value. S3 is read only after
 * something that may have changed it.
 */
export const factsNow = async (
  unit: Unit,
  known: Known,
  before: MetricFacts | undefined,
): Promise<MetricFacts> => {
  const { assessment, action } = known;
  const { leader, journal } = assessment;
  const at = unit.now().toISOString();
  const collectorError = 'collectorError' in known ? known.collectorError : before?.collectorError;
  const base: MetricFacts = {
    format: 1,
    ...{ version: unit.version, leader, updated: at },
    journalEntries: journal instanceof CharmError ? 0 : journal.unfinished.length,
    ...(await stillStopped(unit)),
    ...(collectorError !== undefined && { collectorError }),
  };
  if (!leader) return base;
  const verification =
    verificationOf(action, at) ?? before?.verification ?? verificationKnown(assessment.known);
  const retention = retentionOf(action) ?? before?.retentionWorked;
  return {
    ...base,
    schedule: await scheduleOf(unit, known, controlPlane, before?.schedule),
    ...(assessment.config.volumesSchedule && {
      volumesSchedule: await scheduleOf(unit, known, volumes, before?.volumesSchedule),
    }),
    ...(await volumesOf(unit, known, before)),
    ...(await storedFacts(unit, known, before)),
    ...lastRunOf(assessment.known),
    runs: await runsOf(unit),
    ...(verification && { verification }),
    ...(retention !== undefined && { retentionWorked: retention }),
    ...(await notProtected(unit, known, before)),
    ...(await certificatesOf(assessment)),
  };
};

const scheduleOf = async (
  { now, modelUuid, application }: Unit,
  { assessment: { config, optionProblems } }: Known,
  { option, configOf }: ScheduledWork,
  before: ScheduleFacts | undefined,
): Promise<ScheduleFacts> => {
  const schedule = configOf(config);
  const isWrong = [...optionProblems.keys()].some((name) => name.startsWith('schedule'));
  if (isWrong) return before ?? { interval: 0, paused: false };
  if (schedule === undefined) return { interval: 0, paused: false };
  const { longestInterval, openSchedule } = await import('../schedule/schedule.ts');
  const { paused } = schedule;
  const opened = await orProblem(async () =>
    openSchedule({ ...schedule, option, modelUuid, application }, now()),
  );
  if (opened instanceof CharmError) return { interval: 0, paused };
  const next = paused ? undefined : opened.next(now());
  return {
    ...{ interval: longestInterval(opened, now()), paused },
    ...(next && { next: next.toISOString() }),
  };
};

/** Actions after which S3 may hold other sets than before. */
const changingSets = ['backup-control-plane', 'prune', 'delete-backup', 'verify-backup'];

const stillStopped = async ({ journal }: Unit): Promise<Pick<MetricFacts, 'stoppedNotebooks'>> => {
  const stopped = await orProblem(() => journal.stoppedNotebooks());
  return stopped instanceof CharmError ? {} : { stoppedNotebooks: stopped.length };
};

/** Actions after which something else may be known of users' volumes. */
const changingVolumes = [
  ...['backup-volumes', 'restore-volume', 'verify-volumes', 'delete-volume-backups'],
];

/** Read as the sets are, while volumes are backed up. What cannot be read keeps its value. */
const volumesOf = async (
  unit: Unit,
  { assessment: { config, location }, action, mayAskS3 = false }: Known,
  before: MetricFacts | undefined,
): Promise<Pick<MetricFacts, 'volumes'>> => {
  if (config.volumes.key === undefined || location instanceof CharmError) return {};
  const known = before?.volumes;
  const isDue = changingVolumes.includes(action?.name ?? '') || (known === undefined && mayAskS3);
  if (!isDue) return known === undefined ? {} : { volumes: known };
  const { readVolumeFacts } = await import('../volumes/volume-facts.ts');
  const volumes = await orProblem(async () =>
    readVolumeFacts(await unit.openWorld(config), config.volumes),
  );
  if (!(volumes instanceof CharmError)) return { volumes };
  return known === undefined ? {} : { volumes: known };
};

/** S3 is read after what may have changed it, and when nothing is known yet. */
const storedFacts = async (
  unit: Unit,
  { assessment, action, controller, mayAskS3 = false }: Known,
  before: MetricFacts | undefined,
): Promise<Pick<MetricFacts, 'sets' | 'credentials'>> => {
  const { config, location } = assessment;
  const juju = jujuValid(controller, action);
  const credentials = { ...before?.credentials, ...(juju !== undefined && { juju }) };
  const hasChanged = changingSets.includes(action?.name ?? '');
  const isUnseen = before?.sets === undefined && mayAskS3;
  if (!(hasChanged || isUnseen) || location instanceof CharmError)
    return { ...(before?.sets && { sets: before.sets }), credentials };
  const sets = await setFactsOf(unit, config);
  if (!(sets instanceof CharmError)) return { sets, credentials: { ...credentials, s3: true } };
  const s3 = sets.code === 'store-denied' ? false : undefined;
  return {
    ...(before?.sets && { sets: before.sets }),
    credentials: { ...credentials, ...(s3 !== undefined && { s3 }) },
  };
};

/**
 * Actions after which it is looked what no backup holds. That asks all systems, so no hook does it.
 */
const asking = ['assurance', 'backup-control-plane', 'backup-volumes'];

/** A kind that cannot be looked at keeps its earlier value. */
const notProtected = async (
  unit: Unit,
  { assessment: { config }, action }: Known,
  before: MetricFacts | undefined,
): Promise<Pick<MetricFacts, 'notProtected'>> => {
  const known = before?.notProtected;
  const looks =
    action !== undefined && asking.includes(action.name) && action.failures.length === 0;
  if (!looks) return known === undefined ? {} : { notProtected: known };
  const [{ findUnprotected }, { unprotectedVolumes }] = await Promise.all([
    import('../assurance/unprotected.ts'),
    import('../volumes/records/unprotected.ts'),
  ]);
  const { counts } = await findUnprotected(await unit.openWorld(config), config, [
    unprotectedVolumes,
  ]);
  return { notProtected: { ...known, ...counts } };
};

const setFactsOf = async (unit: Unit, config: Config) => {
  const { readSetFacts } = await import('../metrics/set-facts.ts');
  return orProblem(async () => {
    const target = await (await unit.openWorld(config)).openTarget();
    await using _store = target.store;
    return await readSetFacts(target);
  });
};

const refusals: readonly ErrorCode[] = [
  'juju-credentials-missing',
  'juju-credentials-not-granted',
  'juju-credentials-invalid',
  'juju-login-refused',
  'juju-read-only',
];

/** Undefined when nobody knows, as when the controller does not answer. */
const jujuValid = (
  controller: readonly CharmError[] | undefined,
  action: EndedAction | undefined,
): boolean | undefined => {
  const found = [...(controller ?? []), ...(action?.failures ?? [])].flatMap((failure) => [
    failure,
    ...failure.problems,
  ]);
  if (found.some(({ code }) => refusals.includes(code))) return false;
  return controller?.length === 0 ? true : undefined;
};

/** A backup that says it has begun, and is not the one that runs, was killed. */
const lastRunOf = ({ lastAttempt }: KnownBackups): Pick<MetricFacts, 'lastRun'> => {
  if (lastAttempt === undefined) return {};
  const { at, outcome, code } = lastAttempt;
  const failedWith =
    outcome === 'succeeded' ? undefined : outcome === 'begun' ? 'interrupted' : (code ?? 'bug');
  return { lastRun: { at, ...(failedWith !== undefined && { failedWith }) } };
};

const runsOf = async ({ journal }: Unit): Promise<Readonly<Record<string, number>>> => {
  const counts = await orProblem(() => journal.runCounts());
  return counts instanceof CharmError ? {} : counts;
};

const verificationOf = (
  action: EndedAction | undefined,
  at: string,
): MetricFacts['verification'] => {
  if (action?.name !== 'verify-backup') return undefined;
  if (action.failures.length === 0) return { intact: true, at };
  return action.failures.some(({ code }) => code === 'set-damaged')
    ? { intact: false, at }
    : undefined;
};

/** The time of a verification that another unit made while it led. */
const verificationKnown = ({ lastBackup }: KnownBackups): MetricFacts['verification'] =>
  lastBackup?.verified === undefined || lastBackup.verifiedAt === undefined
    ? undefined
    : { intact: lastBackup.verified === 'intact', at: lastBackup.verifiedAt };

const retentionOf = (action: EndedAction | undefined): boolean | undefined => {
  if (action?.name !== 'prune') return undefined;
  if (action.failures.some(({ code }) => code === 'parameter-invalid')) return undefined;
  return action.failures.length === 0;
};

const certificatesOf = async ({
  location,
}: Assessment): Promise<Pick<MetricFacts, 'certificates'>> => {
  if (location instanceof CharmError || location.caChain.length === 0) return {};
  const { firstExpiry } = await import('../metrics/certificates.ts');
  const s3 = firstExpiry(location.caChain);
  return s3 === undefined ? {} : { certificates: { s3 } };
};
