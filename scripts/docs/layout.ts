import { backupIdAt, type Layout, layoutOf } from '../../src/repository/layout.ts';
import { type ShardLayout, shardLayoutOf } from '../../src/repository/shard-layout.ts';
import { table } from './tables.ts';

const layout = layoutOf('<path>');
const id = backupIdAt(new Date('2026-11-21T20:15:00Z'));
const bucket = 'mlpipeline';

/** Each kind of key with an example. A kind without a row here does not compile. */
const rows: Readonly<Record<keyof Layout, readonly [key: string, meaning: string]>> = {
  claim: [
    layout.claim,
    'The claim: to which model the path belongs, and which generation of its path each database writes to. Written while the lock is held, so that of two models one wins.',
  ],
  locks: [layout.locks, 'The claims of those who work on the path, or want to.'],
  lockClaim: [
    layout.lockClaim('<uuid>'),
    'Which unit works on the path now. Renewed every minute; dead when it was not renewed for five; deleted when the operation ends. A unit that helps with a copy has one too, and while it is there nobody else gets the path.',
  ],
  oldLock: [
    layout.oldLock,
    'The lock of revisions that wrote one for all. It is still respected while it is younger than five minutes.',
  ],
  writeTest: [
    layout.writeTest('<uuid>'),
    'Written and deleted by the preflight, to see whether S3 can be written and what the server does; also what begins with it.',
  ],
  databasePath: [
    `${layout.databasePath('kfp-db', 1)}/`,
    `Written by mysql-k8s. After a restore the database moves on: ${code(`${layout.databasePath('kfp-db', 2)}/`)} and so on.`,
  ],
  mlmdDump: [
    layout.mlmdDump(id),
    'ML Metadata as SQL text, gzipped: `zcat <file> \\| sqlite3 -safe mlmd.db` restores it by hand.',
  ],
  mirror: [
    `${layout.mirror(bucket)}<key>`,
    'The mirror: every object of the bucket under its own key, as it was at the newest backup that saw it.',
  ],
  history: [
    `${layout.history(bucket)}<key>/<etag>`,
    'The version of an object that a later backup replaced in the mirror, while a set still lists it.',
  ],
  sets: [layout.sets, 'The sets, a folder for each.'],
  judged: [
    layout.judged,
    'Until when retention has looked at all that lies in the mirrors and the history, and which sets there were then. Without it the next `prune` looks at all again.',
  ],
  set: [layout.set(id), 'One set.'],
  objectList: [
    layout.objectList(id, bucket),
    'The object list: one line of JSON for each object of the bucket, in the order of the keys.',
  ],
  setPage: [
    layout.setPage(id),
    'The set as a page for people: what it holds, how it was proven, the commands to restore it. Nothing reads it.',
  ],
  failedObjects: [
    layout.failedObjects(id),
    'Objects that could not be copied, when a backup failed because of them.',
  ],
  lostObjects: [
    layout.lostObjects(id, bucket),
    'Objects that a restore with `allow-damaged=true` could not bring back, because their backup is lost or damaged.',
  ],
  started: [
    layout.started(id),
    'The mark of a backup that is being made. It reserves the id, and tells the next backup what to clear away when this one dies, what databases made for it, and which scales it changed.',
  ],
  removed: [
    layout.removed(id),
    'A copy of the manifest of a set that is being removed, so that an interrupted removal can be finished.',
  ],
  proofs: [
    layout.proofs(id),
    'When the set was last verified, read as a whole, and restored, and what that found; see `assurance`.',
  ],
  manifest: [layout.manifest(id), 'The manifest, written last. Without it there is no set.'],
  shards: [
    layout.shards(id),
    'What the units tell each other that share the copy of this backup, its restore or its verification. Gone when that is over; the next backup removes it when its leader died.',
  ],
  runs: [layout.runs, 'The records of runs: the newest 200, and those of runs that made a set.'],
  run: [
    layout.run(id),
    'What became of a run, or of a slot of the schedule that got none; see `list-sessions`.',
  ],
  runLog: [layout.runLog(id), 'What the run said, after what earlier runs for the same slot said.'],
  runSet: [
    layout.runSet(id),
    'The id of the set that the run made; while it is there the record is kept.',
  ],
  volumes: [
    `${layout.volumes}/`,
    "Everything of users' volumes. Sessions have a lock of their own in `locks/` below it.",
  ],
  volumeSessions: [
    layout.volumeSessions,
    'The records of sessions: the newest 200, and those of sessions that have a backup.',
  ],
  volumeSession: [
    layout.volumeSession('20261121t030000z'),
    'What became of each volume in a session, written when it begins and when it ends; `list-volume-backups` reads them.',
  ],
  volumeSessionLog: [
    layout.volumeSessionLog('20261121t030000z'),
    'What the session said; `show-session` shows it.',
  ],
  volumeRepository: [
    layout.volumeRepository('alice'),
    'To which namespace, which owner (as a hash) and which key (as a fingerprint) a repository belongs.',
  ],
  volumeState: [
    layout.volumeState('alice'),
    'What is known of a repository: its size, when it was pruned, how it was checked; `volume-status` reads it.',
  ],
  volumeImages: [
    layout.volumeImages,
    'Which versions `restic-image` and `rclone-image` said to have. Each is asked once; delete it to ask again.',
  ],
  repository: [
    layout.repository('alice'),
    'A repository as restic writes it, encrypted, one for each namespace. What came through a pod of the charm has the metadata `ckf-backup-session`.',
  ],
  runPage: [
    layout.runPage('<session>'),
    'The run as a page for people: how it ended, its steps in time, what it said.',
  ],
};

const shards = shardLayoutOf('<path>', id, '<run>');

/** The same for what lies in `shards/`. */
const shardRows: Readonly<Record<keyof ShardLayout, readonly [key: string, meaning: string]>> = {
  all: [shards.all, 'One time that the units shared work, by a UUID.'],
  plan: [
    shards.plan,
    'The shards: which keys of which bucket each has. While it is there, units work. Like all that units say here, it has the seal of a token that only they know.',
  ],
  before: [shards.before(7), 'The lines of an object list for a shard.'],
  claims: [shards.claims, 'Who works on which shard.'],
  claim: [
    shards.claim(7, '<uuid>'),
    'A process that has taken a shard, by the name of its claim in `locks/` or `units/`. It counts while that claim is renewed.',
  ],
  list: [shards.list(7, '<uuid>'), 'The object list of a shard, as that process made it.'],
  dones: [shards.dones, 'Which shards are done.'],
  done: [
    shards.done(7, '<uuid>'),
    'The checksum of such a list, and what was copied, brought back or found.',
  ],
  units: [
    shards.units.of('<uuid>'),
    'A unit that takes part in a verification. As in `locks/`, but nobody waits for it, because a verification changes nothing.',
  ],
};

function code(text: string): string {
  return `\`${text}\``;
}

export const layoutTable = (): string =>
  table(
    ['key', 'what'],
    Object.entries(rows)
      .flatMap(([name, row]) => (name === 'shards' ? [row, ...Object.values(shardRows)] : [row]))
      .map(([key, meaning]) => [code(key), meaning]),
  );
