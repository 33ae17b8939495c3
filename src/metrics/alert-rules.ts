/** An alert rule as Prometheus has it. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: 'critical' | 'warning' };
  readonly annotations: { readonly summary: string; readonly description: string };
}

/** A metric of any unit that has it: the leader may change, and it is one application. */
const m = (name: string): string => `max without (instance, juju_unit) (ckf_backup_${name})`;

const day = 86_400;

/** What rings by itself, and explains why backups are missing, old, or fail. */
const stale = `time() - ${m('state_updated_timestamp_seconds')} > 7200`;
const refused = `${m('credentials_valid')} == 0`;
const failed = `${m('last_run_failed')} == 1`;
const paused = `${m('schedule_paused')} == 1`;
const hangs = `time() - ${m('run_started_timestamp_seconds > 0')} > ${6 * 3600}`;
const overdue = `(time() - ${m('last_success_timestamp_seconds > 0')}) > 1.5 * (${m('schedule_interval_seconds')} > 0)`;
const damaged = `${m('last_verification_success')} == 0`;

/** Of volumes: the leader's interval has none of the labels of what it is compared with. */
const volumesInterval = `(${m('volumes_schedule_interval_seconds')} > 0)`;
const each = 'ignoring (namespace, repository)';
const unchecked = `(time() - (${m('volumes_repository_check_timestamp_seconds')} or ${m('volumes_repository_created_timestamp_seconds')}))`;

/** One alert for one cause: this does not ring while one of those does. */
const unless = (expr: string, causes: readonly string[]): string =>
  [
    `(${expr})`,
    ...causes.map((cause) => `unless ignoring (code, system, namespace, repository) (${cause})`),
  ].join(' ');

/**
 * The alerts, without topology: the consumer adds that to each expression. When they ring depends
 * on the schedule that is set, and not on a fixed number of hours.
 */
export const alertRules: readonly AlertRule[] = [
  rule('CkfBackupMissing', 'critical', '10m', {
    expr: unless(overdue, [stale, refused, failed, paused, hangs]),
    summary: 'No backup was made for more than one and a half times the interval of the schedule.',
    look: 'list-sessions',
  }),
  rule('CkfBackupNeverSucceeded', 'critical', '26h', {
    expr: unless(`${m('sets')} == 0 and (${m('schedule_interval_seconds')} > 0)`, [
      ...[stale, refused, failed, paused, hangs],
    ]),
    summary: 'There is a schedule, and no backup was ever made.',
    look: 'list-sessions',
  }),
  rule('CkfBackupFailed', 'critical', '0m', {
    // Refused keys have an alert of their own.
    expr: unless(failed, [refused]),
    summary: 'The last backup failed [{{ $labels.code }}].',
    look: 'list-sessions',
  }),
  rule('CkfBackupVolumesFailed', 'warning', '0m', {
    // Each unit counts while it leads, so what all of them counted is added up.
    expr: `sum without (outcome, instance, juju_unit) (increase(ckf_backup_volumes_slots_total{outcome=~"failed|missed"}[26h])) > 0`,
    summary: "A scheduled backup of users' volumes failed, or was not made, within 26 hours.",
    look: 'list-sessions of=volumes',
  }),
  rule('CkfBackupVolumesOld', 'warning', '1h', {
    expr: unless(
      `(time() - ${m('volumes_oldest_success_timestamp_seconds')}) > ${each} group_left clamp_min(3 * ${volumesInterval}, ${day})`,
      [stale, refused],
    ),
    summary:
      'The last good backup of a volume of {{ $labels.namespace }} is older than three intervals of volumes-schedule.',
    look: 'list-volumes namespace={{ $labels.namespace }}',
  }),
  rule('CkfBackupVolumesDamaged', 'critical', '0m', {
    expr: `${m('volumes_repository_intact')} == 0`,
    summary: 'The repository {{ $labels.repository }} of volumes was found damaged.',
    look: 'volume-status',
  }),
  rule('CkfBackupVolumesNotChecked', 'warning', '1h', {
    expr: unless(
      `${unchecked} > ${each} group_left clamp_min(3 * ${volumesInterval}, ${7 * day})` +
        ` or (${unchecked} > ${31 * day} unless ${each} ${volumesInterval})`,
      [stale, refused],
    ),
    summary:
      'For long nobody has looked whether the repository {{ $labels.repository }} of volumes can be read.',
    look: 'verify-volumes',
  }),
  rule('CkfBackupNotebooksStopped', 'warning', '15m', {
    expr: `${m('stopped_notebooks')} > 0`,
    summary: 'Notebooks that a backup had stopped were not started again.',
    look: 'check',
  }),
  rule('CkfBackupNotConsistent', 'warning', '0m', {
    expr: `${m('last_success_consistent')} == 0`,
    summary: 'Something ran while the last backup was made, so its parts may not fit together.',
    look: 'list-backups',
  }),
  rule('CkfBackupVerificationFailed', 'critical', '0m', {
    expr: damaged,
    summary: 'The set that was verified last is damaged.',
    look: 'list-backups',
  }),
  rule('CkfBackupRetentionFailed', 'warning', '1h', {
    expr: `${m('last_retention_success')} == 0`,
    summary: 'Sets that are not to be kept could not be removed.',
    look: 'prune dry-run=true',
  }),
  rule('CkfBackupSizeDropped', 'warning', '0m', {
    expr: `${m('last_success_size_bytes')} < 0.5 * ${m('previous_success_size_bytes')}`,
    summary: 'The last backup has less than half of {{ $labels.part }} that the one before had.',
    look: 'list-backups',
  }),
  rule('CkfBackupJournalNotEmpty', 'critical', '15m', {
    expr: unless(`${m('journal_entries')} > 0 unless ${m('run_started_timestamp_seconds')} > 0`, [
      `${m('credentials_valid{system="juju"}')} == 0`,
    ]),
    summary: 'The scale of another application was changed and could not be put back.',
    look: 'check',
  }),
  rule('CkfBackupCredentialsRejected', 'critical', '15m', {
    expr: refused,
    summary: 'The credentials for {{ $labels.system }} were refused.',
    look: 'check',
  }),
  rule('CkfBackupCertificateExpiring', 'warning', '1h', {
    expr: `${m('certificate_expiry_timestamp_seconds')} - time() < 14 * ${day}`,
    summary: 'A certificate of the authority for {{ $labels.system }} expires within two weeks.',
    look: 'check',
  }),
  rule('CkfBackupRunTooLong', 'warning', '0m', {
    expr: hangs,
    summary: 'A backup has been running for more than six hours.',
    look: 'list-sessions',
  }),
  rule('CkfBackupSchedulePaused', 'warning', '48h', {
    expr: paused,
    summary: 'The schedule has been paused for two days.',
    look: 'list-sessions',
  }),
  rule('CkfBackupStateStale', 'warning', '5m', {
    expr: stale,
    summary: 'No hook of the charm has run for two hours, so all the rest may be old.',
    look: 'check',
  }),
  rule('CkfBackupAssuranceOld', 'warning', '1h', {
    // A week at least, since not every schedule is nightly, and some models have none.
    expr: unless(
      `(time() - ${m('assured_set_timestamp_seconds > 0')}) > clamp_min(3 * ${m('schedule_interval_seconds')}, ${7 * day})` +
        ` or (${m('sets')} > 0 unless ${m('assured_set_timestamp_seconds')})`,
      [stale, refused, failed, paused, hangs, damaged, overdue],
    ),
    summary: 'The newest set that could be restored is old, or none of the sets could be.',
    look: 'assurance',
  }),
];

/**
 * Whether anything answers at all, as every charm of Canonical's observability stack asks
 * (cosl 1.9.1, rules.py).
 */
export const hostHealthRules: readonly AlertRule[] = [
  {
    ...{ alert: 'HostDown', expr: 'up < 1', for: '5m', labels: { severity: 'critical' } },
    annotations: {
      summary: "Host '{{ $labels.instance }}' is down.",
      description: 'The exporter of {{ $labels.juju_unit }} does not answer.',
    },
  },
  {
    alert: 'HostMetricsMissing',
    ...{ expr: 'absent(up)', for: '5m', labels: { severity: 'warning' } },
    annotations: {
      summary: 'No metrics are received from {{ $labels.juju_application }}.',
      description: 'Nothing of {{ $labels.juju_application }} is scraped.',
    },
  },
];

function rule(
  alert: string,
  severity: 'critical' | 'warning',
  duration: string,
  {
    expr,
    summary,
    look,
  }: { readonly expr: string; readonly summary: string; readonly look: string },
): AlertRule {
  return {
    ...{ alert, expr, for: duration, labels: { severity } },
    annotations: {
      summary,
      description: `${summary} Model {{ $labels.juju_model }}. Look: juju run {{ $labels.juju_application }}/leader ${look}`,
    },
  };
}
