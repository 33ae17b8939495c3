/*
 * The options as config.yaml defines them (a test keeps the two equal), with the limits that Juju's
 * types cannot express. They stand here so that a hook does not have to read YAML.
 */

interface OptionSchema {
  readonly type: 'string' | 'integer' | 'boolean';
  readonly default?: string | number | boolean;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

const application = '^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$';
const bucket = '[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]';
/** `[host[:port]/]path[:tag][@digest]`, as container runtimes take it. */
const image =
  '^[a-z0-9][a-z0-9._/-]*(:[0-9]+/[a-z0-9._/-]+)?(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?(@sha256:[0-9a-f]{64})?$';
const count = { type: 'integer', default: 0, minimum: 0, maximum: 10_000 } as const;

export const options = {
  'juju-credentials': { type: 'string', pattern: '^(secret:.+)?$' },
  'signing-key': { type: 'string', pattern: '^(secret:.+)?$' },
  components: { type: 'string', default: 'kfp-db,katib-db,mlmd,mlpipeline' },
  bucket: { type: 'string', default: '', pattern: `^(${bucket})?$` },
  path: { type: 'string', default: '' },
  'bandwidth-limit': { type: 'string', default: 'off' },
  transfers: { type: 'integer', default: 16, minimum: 1, maximum: 256 },
  'copy-processes': { type: 'integer', default: 0, minimum: 0, maximum: 16 },
  'source-buckets': { type: 'string', default: 'mlpipeline' },
  'object-storage-ca': { type: 'string', default: '' },
  'mlmd-application': { type: 'string', default: 'mlmd', pattern: application },
  'metadata-writer-application': {
    type: 'string',
    default: 'kfp-metadata-writer',
    pattern: `^$|${application}`,
  },
  'database-units': { type: 'integer', default: 2, minimum: 1, maximum: 9 },
  'database-locations': { type: 'string', default: '' },
  'server-side-encryption': {
    type: 'string',
    default: '',
    pattern: '^$|^AES256$|^aws:kms$|^aws:kms:[!-~]+$',
  },
  'retention-credentials': { type: 'string', pattern: '^(secret:.+)?$' },
  'keep-last': count,
  'keep-daily': count,
  'keep-weekly': count,
  'keep-monthly': count,
  schedule: { type: 'string', default: '' },
  'schedule-timezone': { type: 'string', default: 'UTC' },
  'schedule-exclude': { type: 'string', default: '' },
  'schedule-paused': { type: 'boolean', default: false },
  'schedule-start-deadline': { type: 'string', default: '6h' },
  'schedule-when-busy': { type: 'string', default: 'wait', pattern: '^(wait|skip|run)$' },
  'schedule-retries': { type: 'integer', default: 2, minimum: 0, maximum: 10 },
  'run-deadline': { type: 'string', default: '12h' },
  'volumes-key': { type: 'string', pattern: '^(secret:.+)?$' },
  volumes: { type: 'string', default: '*/*' },
  'volumes-schedule': { type: 'string', default: '' },
  'volumes-paused': { type: 'boolean', default: false },
  'volumes-in-use': { type: 'string', default: 'live', pattern: '^(live|skip|idle|stop)$' },
  'volumes-exclude': { type: 'string', default: '.cache,.Trash-*' },
  'volumes-parallel': { type: 'integer', default: 2, minimum: 1, maximum: 32 },
  'volumes-keep': { type: 'string', default: 'last=3,daily=7,weekly=4,monthly=6' },
  'volumes-prune-days': { type: 'integer', default: 7, minimum: 0, maximum: 365 },
  'volumes-check-subset': { type: 'string', default: '1/28', pattern: '^$|^1/[1-9]\\d{0,3}$' },
  'volumes-deadline': { type: 'string', default: '4h' },
  'volumes-memory': { type: 'string', default: '1Gi' },
  'volumes-run-as': { type: 'string', default: 'root', pattern: '^(root|notebook)$' },
  'restic-image': {
    type: 'string',
    default:
      'restic/restic:0.19.1@sha256:136600b6ff6843d61d355f7f71f460a166429f35de6fd11b568fece3c9a4d510',
    pattern: image,
  },
  'rclone-image': {
    type: 'string',
    default:
      'rclone/rclone:1.75.2@sha256:2687085f718d3c628f7fdfb77c52a1d344332aed543110bb88088f2c70d43eb5',
    pattern: image,
  },
  'stop-running': { type: 'string', default: '', pattern: '^\\d*$' },
  'notify-url': { type: 'string', pattern: '^(secret:.+)?$' },
  'notify-style': { type: 'string', default: 'text', pattern: '^(text|healthchecks)$' },
  'dashboard-url': { type: 'string', default: '', pattern: '^$|^https?://[!-~]+$' },
} as const satisfies Readonly<Record<string, OptionSchema>>;

export type OptionName = keyof typeof options;

/** Whether a bucket may have this name: S3's rule, wherever the name comes from. */
export const isBucket = (name: string): boolean => new RegExp(`^${bucket}$`).test(name);

const isOptionName = (name: string): name is OptionName => name in options;

export const optionNames = Object.keys(options).filter(isOptionName);

/** What is allowed, as the end of a sentence that begins with the option and its value. */
export const allowed: Readonly<Record<OptionName, string>> = {
  'juju-credentials': 'the URI of a user secret, such as secret:d3n8r2e5kg0c73fhvb10',
  'signing-key': 'the URI of a user secret, such as secret:d3n8r2e5kg0c73fhvb10',
  components: 'one or more of kfp-db, katib-db, mlmd and mlpipeline, separated by commas',
  bucket: 'the name of a bucket (3 to 63 lower-case letters, digits, dots and hyphens), or nothing',
  path: 'a path such as production/kubeflow: at most 200 of a-z, A-Z, 0-9 and -_.~/, with no part . or .. (mysql-k8s puts it into a command line as it is)',
  'bandwidth-limit':
    'off, a rate such as 20M (bytes a second; B, K, M, G, T, P; K when there is no suffix), or a timetable such as 08:00,512k 19:00,20M 23:00,off',
  transfers: 'a whole number from 1 to 256',
  'copy-processes': 'a whole number from 0 to 16',
  'source-buckets':
    'one or more bucket names, separated by commas, and none of the names that a backup uses itself (sets, history, mlmd, locks, runs, volumes, lock.json, ckf-backup.json, kfp-db…, katib-db…, write-test-…)',
  'object-storage-ca': 'certificates in PEM, or base64 of them, or nothing',
  'mlmd-application': 'the name of a Juju application',
  'metadata-writer-application': 'the name of a Juju application, or nothing',
  'database-units': 'a whole number from 1 to 9',
  'database-locations':
    'one or two of kfp-db=<url> and katib-db=<url>, separated by commas, each URL as https://<server>/<bucket>/<path>, with ?region=<region> behind it where one is needed, and without keys',
  'server-side-encryption': 'AES256, aws:kms, aws:kms:<key id>, or nothing',
  'retention-credentials': 'the URI of a user secret, such as secret:d3n8r2e5kg0c73fhvb10',
  'keep-last': 'a whole number from 0 to 10000',
  'keep-daily': 'a whole number from 0 to 10000',
  'keep-weekly': 'a whole number from 0 to 10000',
  'keep-monthly': 'a whole number from 0 to 10000',
  schedule:
    'five cron fields such as 0 2 * * *, @hourly, @daily, @weekly, @monthly, @yearly, @daily-random, or nothing',
  'schedule-timezone': 'the IANA name of a time zone, such as Europe/Berlin',
  'schedule-exclude': 'windows such as Mon-Fri 08:00-18:00, Sat, 23:00-01:00, or nothing',
  'schedule-paused': 'true or false',
  'schedule-start-deadline': 'a time such as 6h, 90m or 1d12h',
  'schedule-when-busy': 'wait, skip or run',
  'schedule-retries': 'a whole number from 0 to 10',
  'run-deadline': 'a time such as 12h, 90m or 1d12h',
  'volumes-key': 'the URI of a user secret, such as secret:d3n8r2e5kg0c73fhvb10',
  volumes: 'one or more of <namespace>/<claim>, each with * and ? as needed, separated by commas',
  'volumes-schedule':
    'five cron fields such as 30 3 * * *, @hourly, @daily, @weekly, @monthly, @yearly, @daily-random, or nothing',
  'volumes-paused': 'true or false',
  'volumes-in-use': 'live, skip, idle or stop',
  'volumes-exclude': 'patterns of files as restic takes them, separated by commas, or nothing',
  'volumes-parallel': 'a whole number from 1 to 32',
  'volumes-deadline': 'a time such as 4h, 90m or 1d12h',
  'volumes-memory': 'an amount of memory such as 1Gi or 1500Mi, at least 512Mi',
  'volumes-run-as': 'root or notebook',
  'volumes-keep':
    'some of last, daily, weekly and monthly with whole numbers from 0 to 10000, such as last=3,daily=7, or nothing',
  'volumes-prune-days': 'a whole number from 0 to 365',
  'volumes-check-subset':
    '1/28 or the like, to read all in 28 days: 1 and how many parts, at most 9999; or nothing',
  'restic-image': 'an image such as registry.example.com/restic/restic:0.19.1',
  'rclone-image': 'an image such as registry.example.com/rclone/rclone:1.75.2',
  'stop-running': 'the id of a task, as juju operations shows it, or nothing',
  'notify-url': 'the URI of a user secret, such as secret:d3n8r2e5kg0c73fhvb10',
  'notify-style': 'text or healthchecks',
  'dashboard-url': 'an address that begins with https:// or http://, or nothing',
};

export const configSchema = { type: 'object', properties: options } as const;

/** The options as config-get gives them: those without a value may be absent. */
export type GivenOptions = {
  readonly [Name in OptionName]?: ValueOf<(typeof options)[Name]['type']>;
};

type ValueOf<Type> = Type extends 'integer' ? number : Type extends 'boolean' ? boolean : string;
