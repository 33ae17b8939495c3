import { layoutOf } from '../repository/layout.ts';
import { ageText, sizeText, tableText } from '../text.ts';
import { proofText } from '../volumes/records/repository-proof.ts';
import {
  type RepositoryStatus,
  repositoryStatuses,
} from '../volumes/repositories/repository-status.ts';
import type { Action } from './action.ts';

/**
 * Shows each repository of volumes: whether it was found intact, how large it is, how many backups
 * it has, and when the last one succeeded. Reads S3 only.
 */
export const volumeStatus: Action = async (world, _config, parameters) => {
  const { namespace, format } = parameters;
  const target = await world.openTarget();
  await using _store = target.store;
  const statuses = (await repositoryStatuses(target.store, layoutOf(target.prefix))).filter(
    ({ record }) => namespace === '' || record.namespace === namespace,
  );
  const now = world.clock.now();
  return {
    repositories: format === 'json' ? jsonOf(statuses, now) : tableOf(statuses, now),
  };
};

const tableOf = (statuses: readonly RepositoryStatus[], now: Date): string =>
  statuses.length === 0
    ? 'There are no repositories of volumes.'
    : tableText([
        [
          ...['REPOSITORY', 'INTEGRITY', 'SIZE', 'SNAPSHOT-COUNT', 'LAST-SUCCESSFUL-BACKUP'],
          ...['AGE', 'PROVEN'],
        ],
        ...statuses.map((status) => [
          ...[status.record.name, integrityTexts[status.integrity], sizeText(status.size)],
          countText(status),
          status.lastSuccess === undefined ? 'never' : `${since(status.lastSuccess, now)} ago`,
          since(status.record.created, now),
          status.check === undefined ? '-' : proofText(status.check, now),
        ]),
      ]);

/** As the tutorial's `kubectl get repository` shows it. */
const integrityTexts = { intact: 'true', damaged: 'false', unknown: 'unknown' } as const;

const countText = ({ snapshots, unknownSnapshots }: RepositoryStatus): string =>
  unknownSnapshots === 0 ? String(snapshots) : `${snapshots} (+${unknownSnapshots} unknown)`;

const since = (time: string, now: Date): string =>
  ageText((now.getTime() - Date.parse(time)) / 1000);

/** Compact, for machines: sizes in bytes, ages in seconds. */
const jsonOf = (statuses: readonly RepositoryStatus[], now: Date): string =>
  JSON.stringify(
    statuses.map(({ record, integrity, check, ...status }) => ({
      repository: record.name,
      namespace: record.namespace,
      integrity,
      size: status.size,
      volumes: status.volumes,
      'snapshot-count': status.snapshots,
      'unknown-snapshots': status.unknownSnapshots,
      'last-successful-backup': status.lastSuccess ?? null,
      age: Math.round((now.getTime() - Date.parse(record.created)) / 1000),
      'key-fingerprint': record.key,
      ...(check && { proven: { by: check.kind, at: check.at, intact: check.intact } }),
    })),
  );
