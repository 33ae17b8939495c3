import { CharmError } from '../errors.ts';
import { excerpt } from '../text.ts';
import { readCertificates } from './certificates.ts';
import { parseBandwidthLimit, type BandwidthPeriod } from './bandwidth-limit.ts';
import { type Component, components } from './components.ts';
import { type DatabaseLocations, parseDatabaseLocations } from './database-locations.ts';
import { parseDuration } from './duration.ts';
import { validate } from './options-validator.ts';
import { type OptionName, allowed, optionNames, options } from './options.ts';
import { parsePath, parseSourceBuckets } from './places.ts';
import {
  type VolumesConfig,
  inUseModes,
  listOf,
  parseMemory,
  parseVolumePatterns,
  parseVolumesKeep,
} from './volumes.ts';

/*
 * This folder reads the charm's options. From here on they are typed and valid.
 */

/** The charm's options, parsed. Bytes and units as config.yaml describes them. */
export interface Config {
  /** `secret:<id>`; undefined while it is not set. */
  readonly jujuCredentials: string | undefined;
  /** `secret:<id>` with the key that signs sets; undefined while they are not signed. */
  readonly signingKey: string | undefined;
  readonly components: readonly Component[];
  readonly bucket: string | undefined;
  readonly path: string | undefined;
  readonly bandwidthLimit: readonly BandwidthPeriod[];
  readonly transfers: number;
  /** 0: as many as the pod has cores, see `openCopyThreads`. */
  readonly copyProcesses: number;
  readonly sourceBuckets: readonly string[];
  /** PEM; MinIO is asked over TLS when there are some. */
  readonly objectStorageCa: readonly string[];
  readonly mlmdApplication: string;
  readonly metadataWriterApplication: string;
  readonly databaseUnits: number;
  /** Where databases back up to that are not related to us, as far as an operator said. */
  readonly databaseLocations: DatabaseLocations;
  readonly serverSideEncryption: ServerSideEncryption | undefined;
  /** `secret:<id>` with keys of S3 that may delete; undefined when the others may. */
  readonly retentionCredentials: string | undefined;
  readonly keep: {
    readonly last: number;
    readonly daily: number;
    readonly weekly: number;
    readonly monthly: number;
  };
  /** Undefined when no schedule is set. src/schedule reads the texts. */
  readonly schedule: ScheduleConfig | undefined;
  /** The same for users' volumes; it never waits for Kubeflow to be quiet. */
  readonly volumesSchedule: ScheduleConfig | undefined;
  /** Milliseconds after which a backup is given up. */
  readonly runDeadline: number;
  readonly volumes: VolumesConfig;
  /** `secret:<id>`; undefined when nobody is to be told of backups. */
  readonly notifyUrl: string | undefined;
  readonly notifyStyle: 'text' | 'healthchecks';
  /** Where people look at backups; undefined when Kubeflow's dashboard is to have no link. */
  readonly dashboardUrl: string | undefined;
}

export interface ScheduleConfig {
  readonly pattern: string;
  readonly timezone: string;
  readonly exclude: string;
  readonly paused: boolean;
  /** Milliseconds. */
  readonly startDeadline: number;
  readonly whenBusy: 'wait' | 'skip' | 'run';
  readonly retries: number;
}

interface ServerSideEncryption {
  readonly algorithm: 'AES256' | 'aws:kms';
  readonly keyId?: string;
}

/**
 * Reads what config-get gives. An option that is absent has its default, because Juju leaves out
 * what has no value. The first wrong one is rejected with `option-invalid`: its name, its value,
 * what is allowed, and the command.
 */
export const parseConfig = (
  given: Readonly<Record<string, unknown>>,
  application = 'ckf-backup',
): Config => {
  const wrong = (name: OptionName, value: unknown): CharmError =>
    wrongOption(application, name, value);
  if (!validate(given)) {
    const at = validate.errors?.[0]?.instancePath.slice(1);
    throw wrong(optionNames.find((name) => name === at) ?? 'components', given[at ?? '']);
  }
  const text = (name: TextOption): string => given[name] ?? options[name].default;
  const number = (name: NumberOption): number => given[name] ?? options[name].default;
  const parsed = <T>(name: TextOption, parse: (value: string) => T | undefined): T => {
    const value = parse(text(name));
    if (value === undefined) throw wrong(name, text(name));
    return value;
  };
  const schedule: ScheduleConfig = {
    pattern: text('schedule').trim(),
    timezone: text('schedule-timezone'),
    exclude: text('schedule-exclude'),
    paused: given['schedule-paused'] ?? options['schedule-paused'].default,
    startDeadline: parsed('schedule-start-deadline', parseDuration),
    whenBusy: parsed('schedule-when-busy', (name) =>
      (['wait', 'skip', 'run'] as const).find((known) => known === name),
    ),
    retries: number('schedule-retries'),
  };
  const volumesSchedule: ScheduleConfig = {
    ...schedule,
    pattern: text('volumes-schedule').trim(),
    paused: given['volumes-paused'] ?? options['volumes-paused'].default,
    whenBusy: 'run',
  };
  const bandwidthLimit = parsed('bandwidth-limit', (value) => parseBandwidthLimit(value || 'off'));
  return {
    jujuCredentials: given['juju-credentials'] || undefined,
    signingKey: given['signing-key'] || undefined,
    components: parsed('components', parseComponents),
    bucket: text('bucket') || undefined,
    path: parsed('path', parsePath) || undefined,
    bandwidthLimit,
    transfers: number('transfers'),
    copyProcesses: number('copy-processes'),
    sourceBuckets: parsed('source-buckets', parseSourceBuckets),
    objectStorageCa: parseCa(text('object-storage-ca'), application),
    mlmdApplication: text('mlmd-application'),
    metadataWriterApplication: text('metadata-writer-application'),
    databaseUnits: number('database-units'),
    databaseLocations: parsed('database-locations', parseDatabaseLocations),
    serverSideEncryption: parseServerSideEncryption(text('server-side-encryption')),
    retentionCredentials: given['retention-credentials'] || undefined,
    keep: {
      last: number('keep-last'),
      daily: number('keep-daily'),
      weekly: number('keep-weekly'),
      monthly: number('keep-monthly'),
    },
    schedule: text('schedule').trim() === '' ? undefined : schedule,
    volumesSchedule: text('volumes-schedule').trim() === '' ? undefined : volumesSchedule,
    runDeadline: parsed('run-deadline', parseDuration),
    volumes: {
      key: given['volumes-key'] || undefined,
      patterns: parsed('volumes', parseVolumePatterns),
      inUse: parsed('volumes-in-use', (name) => inUseModes.find((known) => known === name)),
      exclude: listOf(text('volumes-exclude')),
      parallel: number('volumes-parallel'),
      deadline: parsed('volumes-deadline', parseDuration),
      memory: parsed('volumes-memory', parseMemory),
      runAs: text('volumes-run-as') === 'notebook' ? 'notebook' : 'root',
      keep: parsed('volumes-keep', parseVolumesKeep),
      pruneDays: number('volumes-prune-days'),
      checkParts: Number(text('volumes-check-subset').split('/')[1] ?? 0),
      resticImage: text('restic-image'),
      rcloneImage: text('rclone-image'),
      bandwidthLimit,
    },
    notifyUrl: given['notify-url'] || undefined,
    notifyStyle: parsed('notify-style', (name) =>
      (['text', 'healthchecks'] as const).find((known) => known === name),
    ),
    dashboardUrl: text('dashboard-url') || undefined,
  };
};

type NumberOption = {
  [Name in OptionName]: (typeof options)[Name]['type'] extends 'integer' ? Name : never;
}[OptionName];
type BooleanOption = {
  [Name in OptionName]: (typeof options)[Name]['type'] extends 'boolean' ? Name : never;
}[OptionName];
type TextOption = Exclude<OptionName, NumberOption | BooleanOption | SecretOption>;
type SecretOption = (typeof secretOptions)[number];

const wrongOption = (application: string, name: OptionName, value: unknown): CharmError =>
  new CharmError(
    'option-invalid',
    // The value may be the secret itself instead of its URI, or an address with keys, so it is not
    // shown.
    `The option ${name} is ${isSecret(name) || mayHoldKeys(name, value) ? 'something else' : excerpt(JSON.stringify([value]).slice(1, -1), 100)}, but must be ${allowed[name]}. Run: juju config ${application} ${name}=<value>`,
    {
      brief: { what: `Option ${name} is wrong`, run: `juju config ${application} ${name}=<value>` },
    },
  );

const secretOptions = [
  'juju-credentials',
  'signing-key',
  'retention-credentials',
  'volumes-key',
  'notify-url',
] as const;

const isSecret = (name: OptionName): name is SecretOption =>
  secretOptions.some((secret) => secret === name);

const mayHoldKeys = (name: OptionName, value: unknown): boolean =>
  name === 'database-locations' && /[@?]/.test(String(value));

const parseComponents = (text: string): readonly Component[] | undefined => {
  const names = listOf(text);
  const known = components.filter((component) => names.includes(component));
  return known.length === names.length && known.length > 0 ? known : undefined;
};

const parseCa = (text: string, application: string): readonly string[] => {
  if (text.trim() === '') return [];
  const read = readCertificates(text);
  if (read.kind === 'certificates') return read.certificates;
  throw new CharmError(
    'option-invalid',
    // Without the value: it is long, and may be a private key that was put there.
    `The option object-storage-ca has ${read.problem}; it must be ${allowed['object-storage-ca']}. Run: juju config ${application} object-storage-ca=@ca.pem`,
    {
      brief: {
        what: 'Option object-storage-ca is wrong',
        run: `juju config ${application} object-storage-ca=@ca.pem`,
      },
    },
  );
};

const parseServerSideEncryption = (text: string): ServerSideEncryption | undefined => {
  if (text === '') return undefined;
  if (text === 'AES256') return { algorithm: 'AES256' };
  const keyId = text.slice('aws:kms:'.length);
  return keyId === '' ? { algorithm: 'aws:kms' } : { algorithm: 'aws:kms', keyId };
};
