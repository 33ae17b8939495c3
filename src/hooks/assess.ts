import type { Config } from '../config/config.ts';
import { readJujuCredentials } from '../config/juju-credentials.ts';
import { lenientConfig, type LenientConfig } from '../config/lenient-config.ts';
import { readNotifyUrl } from '../config/notify-url.ts';
import { CharmError, hasCode, orProblem, notTrusted } from '../errors.ts';
import {
  type Provider,
  findProvider,
  locateS3,
  missingObjectStorage,
  missingS3,
} from '../relations/provider.ts';
import type { S3Location } from '../relations/s3-location.ts';
import type { JournalEntry } from '../world.ts';
import { type KnownBackups, allKnown, ownBackups, recallBackups } from './known-backups.ts';
import type { Unit } from './unit.ts';

/** What a unit knows of its options, relations and permissions. Looking changes nothing. */
export interface Assessment {
  readonly leader: boolean;
  /** The options; one that is wrong has its default. */
  readonly config: Config;
  /** What is wrong with options, by their name. */
  readonly optionProblems: LenientConfig['problems'];
  /**
   * The options that say where backups go. They do not depend on the others, so that the databases
   * get credentials even when another option is wrong.
   */
  readonly place: Pick<Config, 'bucket' | 'path'> | CharmError;
  /**
   * The problem when Kubernetes refuses us. Undefined when it does not, or when Juju cannot tell.
   */
  readonly trustProblem: CharmError | undefined;
  readonly s3: Provider | undefined;
  readonly location: S3Location | CharmError;
  readonly objectStorage: Provider | undefined;
  /** The problem when MinIO cannot be read; undefined when it can, or is not needed. */
  readonly objectStorageProblem: CharmError | undefined;
  /** What this unit knows by itself. */
  readonly journal: Recorded | CharmError;
  /** What all units know. */
  readonly shared: KnownBackups;
  /** What this unit knows and what all units know, put together. */
  readonly known: KnownBackups;
  /** The problem when the option notify-url is set and its address cannot be used. */
  readonly notifyProblem: CharmError | undefined;
}

interface Recorded extends KnownBackups {
  readonly unfinished: readonly JournalEntry[];
}

/** Asks Juju for everything at the same time, because each question is a process. */
export const assess = async (unit: Unit): Promise<Assessment> => {
  const { tools } = unit;
  const [leader, options, trusted, s3, objectStorage, journal, shared] = await Promise.all([
    tools.isLeader(),
    tools.config(),
    tools.isTrusted(),
    findProvider(tools, 's3-credentials'),
    findProvider(tools, 'object-storage'),
    orProblem(async () => ({
      unfinished: await unit.journal.entries(),
      ...(await ownBackups(unit.journal)),
    })),
    recallBackups(tools, unit.application),
  ]);
  const { config, problems: optionProblems } = lenientConfig(options, unit.application);
  const place = optionProblems.get('bucket') ?? optionProblems.get('path') ?? config;
  return {
    ...{ leader, config, optionProblems, place, s3, objectStorage, journal, shared },
    known: journal instanceof CharmError ? shared : allKnown(journal, shared),
    trustProblem: trusted === false ? await accessProblem(unit, config) : undefined,
    location: await locate(unit, s3, place),
    // While the option components is wrong, it is not known whether MinIO is needed.
    objectStorageProblem: optionProblems.has('components')
      ? undefined
      : await objectStorageProblem(unit, objectStorage, config),
    notifyProblem: leader ? await notifyProblem(unit, config) : undefined,
  };
};

/**
 * Juju does not trust the application, but an administrator may have given it what it needs: that
 * Kubernetes itself knows. What cannot be asked counts as refused.
 */
const accessProblem = async (unit: Unit, config: Config): Promise<CharmError | undefined> => {
  const { forbiddenKinds } = await import('../operation/cluster-role.ts');
  const forbidden = await orProblem(async () => {
    const world = await unit.openWorld(config);
    await using kubernetes = await world.openKubernetes({ hurry });
    return await forbiddenKinds(kubernetes);
  });
  const mayAll = !(forbidden instanceof CharmError) && forbidden.length === 0;
  return mayAll ? undefined : notTrusted(unit.application);
};

const locate = async (
  unit: Unit,
  s3: Provider | undefined,
  place: Assessment['place'],
): Promise<S3Location | CharmError> => {
  if (s3 === undefined) return missingS3(unit.application);
  const bucket = place instanceof CharmError ? undefined : place.bucket;
  return orProblem(() => locateS3(unit.tools, s3, bucket));
};

const objectStorageProblem = async (
  unit: Unit,
  objectStorage: Provider | undefined,
  config: Config,
): Promise<CharmError | undefined> => {
  if (!config.components.includes('mlpipeline')) return undefined;
  if (objectStorage === undefined) return missingObjectStorage(unit.application);
  const { readObjectStorage } = await import('../relations/object-storage.ts');
  const minio = await orProblem(async () =>
    readObjectStorage(objectStorage.application, objectStorage.data),
  );
  return minio instanceof CharmError ? minio : undefined;
};

const notifyProblem = async (unit: Unit, config: Config): Promise<CharmError | undefined> => {
  const address = await orProblem(() => readNotifyUrl(unit.tools, config, unit.application));
  return address instanceof CharmError ? address : undefined;
};

/**
 * Milliseconds. Hooks are frequent, and no other hook of this machine runs meanwhile. The next hook
 * asks the controller again.
 */
const hurry = 10_000;

/**
 * The problem of running a backup's calls at the Juju controller. Always reads the credentials.
 * Logs in only when `logIn` says so, because that loads the client and makes a connection.
 */
export const jujuProblem = async (
  unit: Unit,
  config: Config,
  logIn: () => Promise<boolean>,
): Promise<CharmError | undefined> => {
  const problem = await orProblem(async () => {
    if (config.jujuCredentials === undefined || !(await logIn())) {
      await readJujuCredentials(unit.tools, config, unit.application, unit.model);
      return undefined;
    }
    const world = await unit.openWorld(config);
    await using juju = await world.openJuju({ hurry });
    if (juju.access !== 'read') return undefined;
    return new CharmError(
      'juju-read-only',
      `The Juju user ${juju.user} of the option juju-credentials may only read this model. Run: juju grant ${juju.user} write ${unit.model}`,
      {
        brief: {
          what: `${juju.user} may only read`,
          run: `juju grant ${juju.user} write ${unit.model}`,
        },
      },
    );
  });
  return hasCode(problem, 'interrupted') ? undefined : problem;
};
