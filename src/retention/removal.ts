import { CharmError } from '../errors.ts';
import {
  type BackupId,
  type Layout,
  isMirroredBucket,
  bucketOfObjectList,
} from '../repository/layout.ts';
import type { BackupManifest, BucketBackup } from '../repository/manifest.ts';
import { listText } from '../text.ts';
import type { ObjectStore } from '../world.ts';
import type { Judged } from './judged.ts';
import type { StayingList } from './list-order.ts';
import type { CompleteSet, LeftFolder, Survey } from './survey.ts';

/** The sets that go, the sets that stay, and what is needed to decide about their objects. */
export interface Removal {
  readonly store: ObjectStore;
  readonly layout: Layout;
  /** A directory for files of candidates. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly generations: Survey['generations'];
  /** Newest first. */
  readonly stay: readonly BackupManifest[];
  readonly go: readonly (CompleteSet | LeftFolder)[];
  /** When the newest complete set was committed, by the clock of S3. */
  readonly newestCommit: Date;
  /** When the backup of the oldest known set began. */
  readonly oldestStart: Date;
  /**
   * The same for the sets that stay. What is older and in no list can be told to be ours only now,
   * while the older sets are there.
   */
  readonly oldestStayingStart: Date;
  readonly buckets: readonly string[];
  /** Newest first. */
  listsThatStay(bucket: string): readonly StayingList[];
  listsThatGo(bucket: string): readonly { readonly id: BackupId; readonly key: string }[];
  /** Whether to look also for what no set lists, such as what a dead backup copied. */
  readonly isThorough: boolean;
  readonly judged: Judged;
}

/**
 * Rejects with `manifest-invalid` when a set that would stay cannot be read: what it needs is not
 * known, so nothing may be deleted. Undefined when there is no set. When no set would stay, the
 * objects of the buckets stay all the same, for the next backup to use.
 */
export const planRemovalOf = (
  survey: Survey,
  ids: ReadonlySet<BackupId>,
  place: Pick<Removal, 'store' | 'layout' | 'scratch' | 'signal' | 'isThorough' | 'judged'>,
): Removal | undefined => {
  if (survey.complete.length === 0) return undefined;
  const staying = survey.complete.filter(({ id }) => !ids.has(id));
  const stay = staying.map(readable(place.store));
  const go = [...survey.complete.filter(({ id }) => ids.has(id)), ...survey.left];
  const lists = go.flatMap(({ id, objects }) =>
    objects.map(({ key }) => ({ id, key, bucket: bucketOfObjectList(place.layout, id, key) })),
  );
  const buckets =
    stay.length === 0
      ? []
      : [
          ...stay.flatMap((manifest) => manifest.buckets.map(({ bucket }) => bucket)),
          ...lists.flatMap(({ bucket }) => bucket ?? []),
        ];
  return {
    ...place,
    generations: survey.generations,
    stay,
    go,
    newestCommit: new Date(Math.max(0, ...staying.map(({ committed }) => committed.getTime()))),
    oldestStart: oldestStartOf([...survey.complete, ...survey.left]),
    oldestStayingStart: oldestStartOf(staying),
    buckets: [...new Set(buckets)].filter(isMirroredBucket),
    listsThatStay: (bucket) =>
      stay.flatMap((manifest, index) =>
        manifest.buckets
          .filter((one) => one.bucket === bucket)
          .map((one) => ({
            ...{ ...one, id: manifest.id, written: writtenAt(staying[index], one) },
            isTrusted: staying[index]?.distrusted === undefined,
          })),
      ),
    listsThatGo: (bucket) => lists.filter((list) => list.bucket === bucket),
  };
};

/** A list that is missing is found to be so when it is read. */
const writtenAt = (set: CompleteSet | undefined, { list }: BucketBackup): number =>
  set?.objects.find(({ key }) => key === list.key)?.lastModified.getTime() ?? 0;

const oldestStartOf = (sets: readonly (CompleteSet | LeftFolder)[]): Date =>
  new Date(Math.min(...sets.map(startOf)));

/**
 * When a backup began, by the clock of S3 alone: the clock of the unit that made it may have been
 * wrong. Milliseconds since 1970.
 */
const startOf = (set: CompleteSet | LeftFolder): number => {
  if (!('committed' in set))
    return Math.min(...set.objects.map(({ lastModified }) => lastModified.getTime()));
  const { committed, manifest, distrusted } = set;
  const took =
    manifest instanceof CharmError || distrusted !== undefined
      ? 0
      : Date.parse(manifest.finished) - Date.parse(manifest.started);
  return committed.getTime() - Math.max(0, took);
};

const readable =
  ({ description }: ObjectStore) =>
  ({ id, manifest }: CompleteSet, _index: number, all: readonly CompleteSet[]): BackupManifest => {
    if (!(manifest instanceof CharmError)) return manifest;
    const broken = all.filter((set) => set.manifest instanceof CharmError).map((set) => set.id);
    throw new CharmError(
      'manifest-invalid',
      `The manifest of ${listText(broken)} in ${description} cannot be read, so it is not known what that set needs, and nothing was deleted.` +
        ` Repair it, or give the set up with delete-backup backup-id=${id}. The reason: ${manifest.message}`,
      { cause: manifest },
    );
  };
