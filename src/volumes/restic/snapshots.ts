import { CharmError } from '../../errors.ts';
import { inTurns } from '../../in-turns.ts';
import { type Fields, fieldsOf, numberOf, textOf } from '../../ports/fields.ts';
import type { StoredObject, Target, VolumeAccess } from '../../world.ts';
import type { Layout } from '../../repository/layout.ts';
import { repositoryPassword } from './keys.ts';
import { snapshotIn } from './restic-seal.ts';
import {
  type OpenedRepository,
  isNamedByHash,
  longest,
  openRepository,
} from './sealed-repository.ts';

/** Of one volume. */
export interface Snapshot {
  readonly id: string;
  readonly files: number;
  readonly bytes: number;
  /** Bytes that were new to the repository, before compression. */
  readonly added: number;
}

interface Session {
  readonly session: string;
  readonly target: Pick<Target, 'store'>;
  readonly layout: Layout;
  readonly access: Pick<VolumeAccess, 'key'>;
}

/** Snapshots that are read at a time. */
const concurrency = 16;

/** Of a list that a user can make as long as the bucket allows so much is in memory at a time. */
const pageLength = 1000;

/** Milliseconds. The clocks of the servers of one S3 differ by less. */
const slack = 3_600_000;

/**
 * The newest snapshot that this session has made of each of these claims, by the claim. Those that
 * are older than its record, by the time of S3, are not looked at. Read from S3, without a pod that
 * would have to start; what restic cannot read is none. Rejects with `volume-damaged` when the
 * repository cannot be opened by then.
 */
export const snapshotsOfSession = async (
  { target: { store }, layout, access, session }: Session,
  repository: string,
  claims: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Snapshot>> => {
  const place = layout.repository(repository);
  const prefix = `${place}snapshots/`;
  const record = await store.head(layout.volumeSession(session));
  const from = (record?.lastModified.getTime() ?? 0) - slack;
  let opened: OpenedRepository | undefined;
  const newest = new Map<string, { readonly time: number; readonly snapshot: Snapshot }>();
  const look = async ({ key, size }: StoredObject): Promise<void> => {
    // A user may have put anything there.
    const content = size > longest ? undefined : await store.read(key);
    if (opened === undefined || content === undefined || !isNamedByHash(key, content)) return;
    const fields = snapshotIn(opened.key, content);
    const { hostname, tags, time } = fields ?? {};
    const claim = textOf(hostname);
    const isOurs = Array.isArray(tags) && tags.includes(`session=${session}`);
    if (fields === undefined || !isOurs || !claims.has(claim)) return;
    const made = Date.parse(textOf(time));
    if (made < (newest.get(claim)?.time ?? -Infinity)) return;
    const id = key.slice(prefix.length);
    newest.set(claim, { time: made, snapshot: { id, ...numbersIn(fields) } });
  };
  const lookAll = async (page: readonly StoredObject[]): Promise<void> => {
    if (page.length === 0) return;
    opened ??= await openRepository(store, place, repositoryPassword(access.key, repository));
    if (opened === undefined) throw cannotOpen(repository, place);
    await inTurns(concurrency, page, look);
  };
  let page: StoredObject[] = [];
  for await (const object of store.list(prefix)) {
    if (object.lastModified.getTime() >= from) page.push(object);
    if (page.length < pageLength) continue;
    await lookAll(page);
    page = [];
  }
  await lookAll(page);
  return new Map([...newest].map(([claim, { snapshot }]) => [claim, snapshot]));
};

const numbersIn = (fields: Fields): Omit<Snapshot, 'id'> => {
  const summary = fieldsOf(fields['summary']);
  return {
    files: numberOf(summary['total_files_processed']),
    bytes: numberOf(summary['total_bytes_processed']),
    added: numberOf(summary['data_added']),
  };
};

const cannotOpen = (repository: string, place: string): CharmError =>
  new CharmError(
    'volume-damaged',
    `None of the keys below ${place}keys/ opens the config of the repository ${repository}, so nobody can say what this session has stored there. Nothing was removed. Bring these objects back from the bucket's versions, and run the action again.`,
  );
