import { CharmError, orProblem } from '../../errors.ts';
import { type Fields, fieldsOf, isTimeText, textOf } from '../../ports/fields.ts';
import type { Layout } from '../../repository/layout.ts';
import { readText } from '../../repository/read-text.ts';
import type { ObjectStore } from '../../world.ts';
import { fieldsIn } from '../claims/claims.ts';
import { isSessionId } from './names.ts';

/*
 * This folder is what S3 keeps of users' volumes beside the repositories of restic: a record for
 * each session, the state of each repository, and the log of the session that runs.
 */

export const phases = [
  'Running',
  'Succeeded',
  'PartiallyFailed',
  'Failed',
  'Skipped',
  'Missed',
] as const;

export type Phase = (typeof phases)[number];

/** Why a volume was skipped that has nothing to back up. */
export const noFiles = 'It has no files.';

/** What became of one volume in a session. */
export interface VolumeRecord {
  readonly namespace: string;
  readonly claim: string;
  readonly phase: Phase;
  readonly size: string;
  readonly accessModes: readonly string[];
  readonly storageClass?: string | undefined;
  /** The pod that had it mounted: files may have changed while they were read. */
  readonly usedBy?: string | undefined;
  readonly repository?: string | undefined;
  /** Of restic, in full. */
  readonly snapshot?: string | undefined;
  readonly files?: number | undefined;
  readonly bytes?: number | undefined;
  readonly added?: number | undefined;
  readonly code?: string | undefined;
  readonly reason?: string | undefined;
  /** When its backup was removed, ISO 8601: it is no backup any longer. */
  readonly removed?: string | undefined;
  /** Its snapshot is gone from the repository, too; what was removed and is not, goes later. */
  readonly forgotten?: boolean | undefined;
}

/** A backup that a session removed. */
export interface RemovedBackup {
  readonly session: string;
  readonly namespace: string;
  readonly claim: string;
  readonly snapshot: string;
}

const kinds = ['backup', 'restore', 'delete', 'verify'] as const;

type SessionKind = (typeof kinds)[number];

export interface SessionRecord {
  readonly id: string;
  readonly kind: SessionKind;
  readonly started: string;
  readonly finished?: string | undefined;
  readonly phase: Phase;
  readonly volumes: readonly VolumeRecord[];
  /** The id of its task, for `juju show-task`. */
  readonly task?: string | undefined;
  /** The time of volumes-schedule that it was for. */
  readonly slot?: string | undefined;
  /**
   * Of times of the schedule that got no run: how many, and the last of them. There are no volumes
   * then.
   */
  readonly slots?: { readonly count: number; readonly last: string } | undefined;
  /** Why there was no run. */
  readonly reason?: string | undefined;
  /** Those that it works on beyond the ones of its volumes. */
  readonly repositories?: readonly string[] | undefined;
  readonly removed?: readonly RemovedBackup[] | undefined;
  /** Why backups stayed that the option volumes-keep does not keep. */
  readonly notRemoved?: string | undefined;
}

/** The phase of a session whose volumes have all ended. */
export const sessionPhase = (volumes: readonly VolumeRecord[]): Phase => {
  const phasesOf = new Set(volumes.map(({ phase }) => phase));
  phasesOf.delete('Skipped');
  if (phasesOf.size === 0) return 'Skipped';
  if (phasesOf.size > 1 || phasesOf.has('PartiallyFailed')) return 'PartiallyFailed';
  return phasesOf.has('Succeeded') ? 'Succeeded' : 'Failed';
};

export const writeSession = async (
  store: ObjectStore,
  layout: Layout,
  record: SessionRecord,
): Promise<void> => {
  await store.put(layout.volumeSession(record.id), JSON.stringify(record), {
    metadata: { contentType: 'application/json' },
  });
};

/** Undefined when there is none. Rejects with `store-corrupt` when it cannot be read. */
export const readSession = async (
  store: ObjectStore,
  layout: Layout,
  id: string,
): Promise<SessionRecord | undefined> => {
  const key = layout.volumeSession(id);
  const text = await readText(store, key);
  if (text === undefined) return undefined;
  try {
    const record = parseSession(JSON.parse(text));
    if (record?.id === id) return record;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CharmError('store-corrupt', `The record ${key} of a session cannot be read.`);
};

/** The ids of all sessions, newest first. */
export const sessionIds = async (
  store: ObjectStore,
  layout: Layout,
): Promise<readonly string[]> => {
  const ids: string[] = [];
  for await (const { key } of store.list(layout.volumeSessions)) {
    const id = key.slice(layout.volumeSessions.length).replace(/\.json$/, '');
    if (isSessionId(id)) ids.push(id);
  }
  return ids.reverse();
};

/** Records that are read at a time. */
const concurrency = 16;

/**
 * Newest first; a few records at a time, however many there are. Those that cannot be read are left
 * out. With `before` only those that are older than it.
 */
export async function* sessions(
  store: ObjectStore,
  layout: Layout,
  before?: string,
): AsyncGenerator<SessionRecord> {
  const ids = (await sessionIds(store, layout)).filter(
    (one) => before === undefined || one < before,
  );
  // Most ask for the newest only.
  let most = 1;
  for (let at = 0; at < ids.length; at += most, most = concurrency) {
    const records = await Promise.all(
      ids.slice(at, at + most).map((id) => orProblem(() => readSession(store, layout, id))),
    );
    for (const record of records) {
      if (record instanceof CharmError && record.code !== 'store-corrupt') throw record;
      if (record !== undefined && !(record instanceof CharmError)) yield record;
    }
  }
}

const parseSession = (value: unknown): SessionRecord | undefined => {
  const fields = fieldsOf(value);
  const phase = phaseOf(fields['phase']);
  const kind = kinds.find((known) => known === fields['kind']);
  const [id, started, finished] = [fields['id'], fields['started'], fields['finished']].map(textOf);
  if (id === undefined || started === undefined || phase === undefined) return undefined;
  if (kind === undefined || !isTimeText(started)) return undefined;
  const volumes = fieldsIn(fields['volumes']).map(parseVolume);
  if (volumes.includes(undefined)) return undefined;
  return {
    ...{ id, kind, started, phase },
    ...(finished && { finished }),
    volumes: volumes.filter((volume) => volume !== undefined),
    ...textsIn(fields, ['task', 'slot', 'reason']),
    ...slotsIn(fields['slots']),
    ...(Array.isArray(fields['repositories']) && {
      repositories: fields['repositories'].map(textOf),
    }),
    ...(Array.isArray(fields['removed']) && {
      removed: fieldsIn(fields['removed']).map((one) => ({
        session: textOf(one['session']),
        namespace: textOf(one['namespace']),
        claim: textOf(one['claim']),
        snapshot: textOf(one['snapshot']),
      })),
    }),
    ...(fields['notRemoved'] !== undefined && { notRemoved: textOf(fields['notRemoved']) }),
  };
};

const textsIn = <Name extends string>(
  fields: Fields,
  names: readonly Name[],
): { readonly [Each in Name]?: string } =>
  Object.fromEntries(
    names.flatMap((name) => {
      const text = textOf(fields[name]);
      return text === '' ? [] : [[name, text]];
    }),
  ) as { readonly [Each in Name]?: string };

const slotsIn = (value: unknown): Pick<SessionRecord, 'slots'> => {
  const { count, last } = fieldsOf(value);
  return typeof count === 'number' && typeof last === 'string' ? { slots: { count, last } } : {};
};

const parseVolume = (fields: Fields): VolumeRecord | undefined => {
  const phase = phaseOf(fields['phase']);
  if (phase === undefined) return undefined;
  const text = (name: keyof VolumeRecord) => textOf(fields[name]) || undefined;
  const number = (name: keyof VolumeRecord) => {
    const found = fields[name];
    return typeof found === 'number' ? found : undefined;
  };
  const { accessModes } = fields;
  return {
    phase,
    namespace: textOf(fields['namespace']),
    claim: textOf(fields['claim']),
    size: textOf(fields['size']),
    accessModes: Array.isArray(accessModes) ? accessModes.map(textOf) : [],
    storageClass: text('storageClass'),
    usedBy: text('usedBy'),
    repository: text('repository'),
    snapshot: text('snapshot'),
    files: number('files'),
    bytes: number('bytes'),
    added: number('added'),
    code: text('code'),
    reason: text('reason'),
    ...(text('removed') && { removed: text('removed') }),
    ...(fields['forgotten'] === true && { forgotten: true }),
  };
};

const phaseOf = (value: unknown): Phase | undefined => phases.find((phase) => phase === value);
