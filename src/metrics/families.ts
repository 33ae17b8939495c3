import type { MetricFacts, ScheduleFacts, SetFacts, VolumeFacts } from './facts.ts';
import { type Family, gauge, labelled, optional, plain, secondsOf } from './family.ts';

/**
 * The metrics that these facts give. Names and labels are a promise: alerts and dashboards of
 * others use them. A unit that does not lead has the first four only.
 */
export const familiesOf = (facts: MetricFacts): readonly Family[] =>
  [...ofUnit(facts), ...(facts.leader ? ofLeader(facts) : [])].filter(
    ({ samples }) => samples.length > 0,
  );

const ofUnit = ({
  version,
  leader,
  updated,
  journalEntries,
  stoppedNotebooks,
}: MetricFacts): readonly Family[] => [
  gauge('info', 'Revision of the charm, and whether this unit leads.', [
    { labels: { version, leader: String(leader) }, value: 1 },
  ]),
  gauge('state_updated_timestamp_seconds', 'When a hook or action last wrote what is told here.', [
    plain(secondsOf(updated)),
  ]),
  gauge('journal_entries', 'Changes to other applications that are still to be put back.', [
    plain(journalEntries),
  ]),
  gauge(
    'stopped_notebooks',
    'Notebooks that a backup has stopped and that are still to be started again.',
    optional(stoppedNotebooks),
  ),
];

const ofLeader = (facts: MetricFacts): readonly Family[] => [
  ...ofSchedule('', 'schedule', facts.schedule),
  ...ofSchedule('volumes_', 'volumes-schedule', facts.volumesSchedule),
  ...ofVolumeBackups(facts.volumes),
  ...ofSets(facts.sets),
  ...ofRuns(facts),
  gauge(
    'last_verification_success',
    'Whether the last verify-backup found its set intact.',
    optional(facts.verification && Number(facts.verification.intact)),
  ),
  gauge(
    'last_verification_timestamp_seconds',
    'When verify-backup last found something out.',
    optional(secondsOf(facts.verification?.at)),
  ),
  gauge(
    'last_retention_success',
    'Whether sets that are not kept could be removed.',
    optional(facts.retentionWorked === undefined ? undefined : Number(facts.retentionWorked)),
  ),
  gauge(
    'not_protected',
    'Things that no backup holds, by kind, when an action last looked.',
    labelled('kind', facts.notProtected, Number),
  ),
  gauge(
    'credentials_valid',
    'Whether the last use of these credentials was let in.',
    labelled('system', facts.credentials, Number),
  ),
  gauge(
    'certificate_expiry_timestamp_seconds',
    'When the first certificate of a configured authority expires.',
    labelled('system', facts.certificates, secondsOf),
  ),
];

const ofSchedule = (
  prefix: '' | 'volumes_',
  option: string,
  schedule: ScheduleFacts | undefined,
): readonly Family[] => [
  gauge(
    `${prefix}schedule_interval_seconds`,
    `Longest time between two slots of ${option}, 0 without one.`,
    optional(schedule?.interval),
  ),
  gauge(
    `${prefix}schedule_next_run_timestamp_seconds`,
    `The next slot of ${option}.`,
    optional(secondsOf(schedule?.next)),
  ),
  gauge(
    `${prefix}schedule_paused`,
    `Whether ${option} is paused.`,
    optional(schedule && Number(schedule.paused)),
  ),
];

const ofVolumeBackups = (volumes: VolumeFacts | undefined): readonly Family[] => [
  gauge(
    'volumes_oldest_success_timestamp_seconds',
    'Of the volumes of a namespace, the last good backup of the one whose last is oldest.',
    labelled('namespace', volumes?.namespaces, secondsOf),
  ),
  gauge(
    'volumes_repository_created_timestamp_seconds',
    'When a repository of volumes was made.',
    labelled('repository', volumes?.repositories, ({ created }) => secondsOf(created)),
  ),
  gauge(
    'volumes_repository_check_timestamp_seconds',
    'When it was last looked whether a repository of volumes can be read.',
    labelled('repository', volumes?.repositories, ({ checked }) => secondsOf(checked)),
  ),
  gauge(
    'volumes_repository_intact',
    'Whether no damage stands that was found in a repository of volumes.',
    labelled('repository', volumes?.repositories, ({ intact }) =>
      intact === undefined ? undefined : Number(intact),
    ),
  ),
];

const ofSets = (sets: SetFacts | undefined): readonly Family[] => {
  const { newest } = sets ?? {};
  const parts = newest?.parts;
  return [
    gauge('sets', 'Complete backup sets.', optional(sets?.count)),
    gauge(
      'oldest_set_timestamp_seconds',
      'Beginning of the oldest complete set.',
      optional(secondsOf(sets?.oldest)),
    ),
    gauge(
      'assured_set_timestamp_seconds',
      'Beginning of the newest set that could be restored now.',
      optional(secondsOf(sets?.assured)),
    ),
    gauge(
      'last_success_timestamp_seconds',
      'Beginning of the newest complete set.',
      optional(secondsOf(newest?.id)),
    ),
    gauge(
      'last_success_duration_seconds',
      'How long the newest set took.',
      optional(newest?.seconds),
    ),
    gauge(
      'last_success_consistent',
      'Whether nothing ran while the newest set was made.',
      optional(newest && Number(newest.consistent)),
    ),
    gauge(
      'last_success_size_bytes',
      'Size of each part of the newest set.',
      labelled('part', parts, ({ size }) => size),
    ),
    gauge(
      'last_success_part_duration_seconds',
      'How long each part of the newest set took.',
      labelled('part', parts, ({ seconds }) => seconds),
    ),
    gauge(
      'last_success_objects',
      'Objects in each part of the newest set.',
      labelled('part', parts, ({ objects }) => objects),
    ),
    gauge(
      'previous_success_size_bytes',
      'Size of each part of the set before the newest.',
      labelled('part', sets?.previous, Number),
    ),
  ];
};

const ofRuns = ({ lastRun, running, runs, volumesSchedule }: MetricFacts): readonly Family[] => [
  gauge(
    'last_run_timestamp_seconds',
    'When the last backup began.',
    optional(secondsOf(lastRun?.at)),
  ),
  gauge(
    'last_run_failed',
    'Whether the last backup failed, and with which code.',
    lastRun === undefined
      ? []
      : [
          {
            labels: { code: lastRun.failedWith ?? '' },
            value: Number(lastRun.failedWith !== undefined),
          },
        ],
  ),
  gauge('run_started_timestamp_seconds', 'When the backup began that runs; 0 when none does.', [
    plain(secondsOf(running) ?? 0),
  ]),
  {
    ...gauge('runs_total', 'Backups by how they ended and who asked for them.', []),
    type: 'counter',
    samples: counted(runs, (key) => !key.startsWith(ofVolumes)).map(({ key, value }) => {
      const [outcome = '', trigger = ''] = key.split('/');
      return { labels: { outcome, trigger }, value };
    }),
  },
  {
    ...gauge('volumes_slots_total', 'Times of volumes-schedule by what became of them.', []),
    type: 'counter',
    // An alert sees the first failure only as an increase.
    samples: counted(
      { ...(volumesSchedule && { [`${ofVolumes}failed`]: 0, [`${ofVolumes}missed`]: 0 }), ...runs },
      (key) => key.startsWith(ofVolumes),
    ).map(({ key, value }) => ({ labels: { outcome: key.slice(ofVolumes.length) }, value })),
  },
];

const ofVolumes = 'volumes/';

const counted = (
  counts: Readonly<Record<string, number>> = {},
  isMeant: (key: string) => boolean,
): readonly { readonly key: string; readonly value: number }[] =>
  Object.entries(counts)
    .filter(([key]) => isMeant(key))
    .map(([key, value]) => ({ key, value }));
