import { createHash } from 'node:crypto';
import { textOf } from '../../src/ports/fields.ts';
import type { ObjectMetadata } from '../../src/world.ts';
import {
  keyIn,
  type SealKey,
  snapshotIn,
  textIn,
  unseal,
} from '../../src/volumes/restic/restic-seal.ts';
import { claimsOf } from '../servers/kubernetes/stored-object.ts';
import type { ContainerEnd, ContainerRun, FakeCluster } from './cluster.ts';
import type { FakeObjectStore } from './object-store.ts';
import { newKey, newKeyFile, seal } from './restic-seal.ts';

/** The files of a claim, by their paths; a folder without files ends with a slash. */
export type FakeFiles = Map<string, string>;

interface Snapshot {
  readonly id: string;
  readonly hostname: string;
  readonly tags: readonly string[];
  /** The pack that holds each file. */
  readonly tree: Readonly<Record<string, string>>;
  readonly summary: object;
}

/** As it lies in the bucket: the tree is an id, as restic has it. */
interface Stored extends Omit<Snapshot, 'id' | 'tree'> {
  readonly tree: string;
  readonly packs: Snapshot['tree'];
}

/** Undefined for what restic itself does. */
type Answer = ContainerEnd | undefined;

/** A command on a repository, and what it can reach. */
interface Call {
  readonly words: readonly string[];
  /** The key of the repository in the bucket, with a slash at its end. */
  readonly place: string;
  readonly password: string;
  readonly isAppendOnly: boolean;
  /** What rclone adds to each object that it writes. */
  readonly metadata: Partial<ObjectMetadata>;
  /** Of the pod; undefined when it has no claim. */
  readonly files: FakeFiles | undefined;
}

interface Opened {
  readonly place: string;
  readonly key: SealKey;
}

type OpenedCall = Call & Opened;

/**
 * restic in memory, behind the rclone of the pods in `cluster`: who does not know the address or a
 * password of a gateway gets nothing, through a gateway nothing is deleted, and a repository opens
 * with the password that it was made with. Keys, config and snapshots are sealed
 * as restic's, and what is not stops it as it stops restic. One pack holds one content, unsealed.
 */
export class FakeRestic {
  /** By `<namespace>/<claim>`. */
  readonly volumes = new Map<string, FakeFiles>();
  /** Files that cannot be read, by their paths. */
  readonly unreadable = new Set<string>();
  /** Each command, such as `backup` and `forget`, and the role of its pod. */
  readonly commands: string[] = [];
  /** What the images say of themselves. */
  readonly versions: Record<string, string> = {
    restic: 'restic 0.19.1 compiled with go1.26.2 on linux/amd64',
    rclone: 'rclone v1.75.2\n- os/version: alpine',
  };
  /** What happens instead, if anything. */
  instead: (run: ContainerRun, role: string) => Answer | Promise<Answer> = () => undefined;
  readonly #cluster: FakeCluster;
  readonly #store: FakeObjectStore;
  readonly #now: () => Date;

  constructor(cluster: FakeCluster, store: FakeObjectStore, now: () => Date) {
    this.#cluster = cluster;
    this.#store = store;
    this.#now = now;
    cluster.onRun = async (run) => {
      const role = run.pod.metadata.labels?.['ckf-backup/role'] ?? '';
      this.commands.push(`${role}: ${run.command.slice(1, 2).join()}`);
      return (await this.instead(run, role)) ?? this.run(run);
    };
  }

  filesOf(volume: string): FakeFiles {
    const files = this.volumes.get(volume) ?? new Map<string, string>();
    this.volumes.set(volume, files);
    return files;
  }

  /** What it does with a command. */
  run(run: ContainerRun): ContainerEnd {
    const { pod, variables, command } = run;
    const [program = '', word] = command;
    if (word === 'version') return done(this.versions[program] ?? '');
    const [, address = ''] =
      /^rest:http:\/\/(.+):8080\/$/.exec(variables['RESTIC_REPOSITORY'] ?? '') ?? [];
    const server = this.#cluster.serverOf(address === '127.0.0.1' ? pod : address);
    if (server === undefined) return failure(1, `dial tcp ${address}:8080: connection refused`);
    const isAppendOnly = server.command.includes('--append-only');
    const { RCLONE_USER: user = '', RCLONE_PASS: pass = '' } = server.variables;
    const { RESTIC_REST_USERNAME = '', RESTIC_REST_PASSWORD = '' } = variables;
    if (user !== RESTIC_REST_USERNAME || pass !== RESTIC_REST_PASSWORD)
      return failure(1, 'server response unexpected: 401 Unauthorized (401)');
    const [, place = ''] = /^:s3:[^/]+\/(.+\/)$/.exec(server.command.at(-1) ?? '') ?? [];
    const [claim] = claimsOf(pod.spec);
    return this.#perform({
      ...{ words: command.slice(1), place, isAppendOnly },
      password: variables['RESTIC_PASSWORD'] ?? '',
      metadata: headersOf(server.command),
      files:
        claim === undefined ? undefined : this.filesOf(`${pod.metadata.namespace ?? ''}/${claim}`),
    });
  }

  #perform(call: Call): ContainerEnd {
    const [command = ''] = call.words;
    if (command === 'init') return this.#init(call);
    const config = this.#bytes(`${call.place}config`);
    if (config === undefined) return failure(10, 'Fatal: repository does not exist');
    const key = this.#open(call);
    if ('exitCode' in key) return key;
    if (unseal(key, config) === undefined)
      return failure(1, 'Fatal: config or key is damaged: ciphertext verification failed');
    const opened = { ...call, key };
    const reads = ['backup', 'prune', 'check'].includes(command);
    const broken = reads ? this.#broken(opened) : [];
    const lost = this.#brokenIndexes(opened);
    if (lost.some((object) => this.#crashes(object)))
      return { exitCode: 2, output: 'panic: runtime error: slice bounds out of range [16:4]' };
    if (command === 'repair') {
      for (const object of lost) this.#store.bucket.remove(object);
      return done('done');
    }
    if (lost.length > 0 && command !== 'forget')
      return failure(1, 'error loading index: nonce is invalid');
    // restic 0.18 does not look at the length of what it decrypts.
    if (broken.some((id) => this.#crashes(`${call.place}snapshots/${id}`)))
      return { exitCode: 2, output: 'panic: runtime error: slice bounds out of range [16:4]' };
    if (command === 'backup' && broken.length > 0)
      return failure(1, `Error loading snapshot ${broken[0]?.slice(0, 8) ?? ''}: nonce is invalid`);
    if (
      ['forget', 'prune', 'check', 'repair'].includes(command) &&
      this.#keys(call, 'locks').length > 0
    )
      return failure(11, 'unable to create lock in backend: repository is already locked');
    if (['forget', 'prune', 'repair'].includes(command) && call.isAppendOnly)
      return failure(1, 'server response unexpected: 403 Forbidden (403)');
    switch (command) {
      case 'backup':
        return this.#backup(opened);
      case 'restore':
        return this.#restore(opened);
      case 'forget':
        for (const id of call.words.slice(1))
          this.#store.bucket.remove(`${call.place}snapshots/${id}`);
        return done('');
      case 'prune':
        if (broken.length > 0) return failure(1, 'Fatal: failed loading snapshot');
        return this.#prune(opened);
      case 'check':
        return this.#check(opened, broken);
      default:
        return failure(1, `unknown command "${command}" for "restic"`);
    }
  }

  #init({ place, password, metadata }: Call): ContainerEnd {
    if (this.#store.bucket.after(place, '').length > 0)
      return failure(1, 'Fatal: create repository failed: config file already exists');
    const key = newKey();
    const file = newKeyFile(key, password);
    this.#store.seed(`${place}keys/${hashOf(file)}`, file, metadata);
    this.#store.seed(`${place}config`, seal(key, '{"version":2}'), metadata);
    return done('{"message_type":"initialized"}');
  }

  #backup({ words, place, key, metadata, files = new Map() }: OpenedCall): ContainerEnd {
    const all = [...files];
    const read = all.filter(([path]) => !this.unreadable.has(path));
    if (all.length === 0) return failure(1, 'Fatal: unable to save snapshot: snapshot is empty');
    let added = 0;
    const tree: Record<string, string> = {};
    for (const [path, text] of read.filter(([path]) => !path.endsWith('/'))) {
      const pack = hashOf(text);
      const object = packKey(place, pack);
      if (this.#read(object) === undefined) {
        this.#store.seed(object, text, metadata);
        added += text.length;
      }
      tree[path] = pack;
    }
    const tag = valueOf(words, '--tag');
    const snapshot: Stored = {
      ...{ hostname: valueOf(words, '--host'), tags: [tag], packs: tree },
      tree: hashOf(JSON.stringify(tree)),
      summary: {
        total_files_processed: read.filter(([path]) => !path.endsWith('/')).length,
        total_bytes_processed: read.reduce((bytes, [, text]) => bytes + text.length, 0),
        data_added: added,
      },
    };
    const packs = [...Object.values(tree), snapshot.tree].map((id) => ({
      id,
      blobs: [{ id, type: 'data', offset: 0, length: 1 }],
    }));
    const index = seal(key, JSON.stringify({ packs }));
    this.#store.seed(`${place}index/${hashOf(index)}`, index, metadata);
    const text = JSON.stringify({ time: this.#now().toISOString(), ...snapshot });
    const sealed = seal(key, text);
    this.#store.seed(`${place}snapshots/${hashOf(sealed)}`, sealed, metadata);
    const complaints = all
      .filter(([path]) => this.unreadable.has(path))
      .map(([path]) => errorOf(`/data/${path}`, 'open: permission denied'));
    return complaints.length === 0 ? done('') : { exitCode: 3, output: complaints.join('\n') };
  }

  #restore({ words, place, key, files = new Map() }: OpenedCall): ContainerEnd {
    const snapshot = this.#snapshots({ place, key }).find(({ id }) => id === words[1]);
    if (snapshot === undefined)
      return failure(1, `Fatal: no matching ID found for "${words[1] ?? ''}"`);
    const target = valueOf(words, '--target').replace(/^\.$/, '');
    const folder = target === '' ? '' : `${target}/`;
    const include = words.find((word) => word.startsWith('--include='))?.slice(10);
    const wanted = Object.entries(snapshot.tree).filter(
      ([path]) => include === undefined || `/${path}`.startsWith(include),
    );
    if (words.includes('--dry-run'))
      return done(summaryOf(wanted.map(([, pack]) => this.#read(packKey(place, pack)))));
    const complaints: string[] = [];
    for (const [path, pack] of wanted) {
      const text = this.#read(packKey(place, pack));
      if (text === undefined || hashOf(text) !== pack)
        complaints.push(errorOf(`/${path}`, 'unexpected contents'));
      else files.set(folder + path, text);
    }
    const restored = new Set(wanted.map(([path]) => folder + path));
    if (words.includes('--delete'))
      for (const path of files.keys()) if (!restored.has(path)) files.delete(path);
    // Sixty a second, for as long as it takes.
    const progress = words.includes('--quiet') ? [] : Array<string>(20_000).fill(statusLine);
    const output = [...complaints, ...progress].join('\n');
    return complaints.length === 0 ? done(output) : { exitCode: 1, output };
  }

  #prune({ place, key }: OpenedCall): ContainerEnd {
    const used = new Set(
      this.#snapshots({ place, key }).flatMap(({ tree }) => Object.values(tree)),
    );
    for (const pack of this.#keys({ place }, 'data'))
      if (!used.has(pack.split('/').at(-1) ?? '')) this.#store.bucket.remove(pack);
    return done('');
  }

  #check({ words, place, key }: OpenedCall, broken: readonly string[]): ContainerEnd {
    const reads = words.includes('--read-data-subset');
    const packs = [
      ...new Set(this.#snapshots({ place, key }).flatMap(({ tree }) => Object.values(tree))),
    ];
    const unread = broken.map((id) => `error: failed to load snapshot ${id.slice(0, 8)}`);
    const damaged = packs.flatMap((pack) => {
      const text = this.#read(packKey(place, pack));
      if (text === undefined) return [`pack ${pack}: does not exist`];
      return reads && hashOf(text) !== pack ? [`pack ${pack} contains 1 errors`] : [];
    });
    const errors = [...unread, ...damaged];
    const lines = [
      ...errors.map((message) => ({ message_type: 'error', message })),
      { message_type: 'summary', num_errors: errors.length, broken_packs: null },
    ];
    const output = lines.map((line) => JSON.stringify(line)).join('\n');
    return { exitCode: errors.length === 0 ? 0 : 1, output };
  }

  /** With the first key file that the password opens, whoever has put it there. */
  #open(call: Call): SealKey | ContainerEnd {
    for (const file of this.#keys(call, 'keys')) {
      const text = this.#read(file) ?? '';
      if (hashOf(text) !== file.split('/').at(-1)) continue;
      if (!text.startsWith('{')) return failure(1, 'Fatal: Unmarshal: invalid character');
      if (!text.includes('"scrypt"')) return failure(1, 'Fatal: only supported KDF is scrypt()');
      const key = keyIn(Buffer.from(text), call.password);
      if (key !== undefined) return key;
    }
    return failure(12, 'Fatal: wrong password or no key found');
  }

  #crashes(key: string): boolean {
    const bytes = this.#bytes(key);
    return bytes !== undefined && bytes.length < 16 && hashOf(bytes) === key.split('/').at(-1);
  }

  #brokenIndexes({ place, key }: Opened): readonly string[] {
    return this.#keys({ place }, 'index').filter((object) => {
      const bytes = this.#bytes(object) ?? Buffer.alloc(0);
      return hashOf(bytes) !== object.split('/').at(-1) || !isJson(key, bytes);
    });
  }

  /** The ids of snapshots that cannot be read. */
  #broken({ place, key }: Opened): readonly string[] {
    return this.#keys({ place }, 'snapshots').flatMap((object) => {
      const [id, bytes] = [textOf(object.split('/').at(-1)), this.#bytes(object)];
      return bytes && hashOf(bytes) === id && snapshotIn(key, bytes) ? [] : [id];
    });
  }

  #snapshots({ place, key }: Opened): readonly Snapshot[] {
    const broken = new Set(this.#broken({ place, key }));
    return this.#keys({ place }, 'snapshots').flatMap((object) => {
      const id = textOf(object.split('/').at(-1));
      const text = unseal(key, this.#bytes(object) ?? Buffer.alloc(0))?.toString();
      if (broken.has(id) || text === undefined) return [];
      return [{ ...(JSON.parse(text) as Stored), id }].map(({ packs, ...one }) => ({
        ...one,
        tree: packs,
      }));
    });
  }

  #bytes(key: string): Buffer | undefined {
    return this.#store.bucket.find(key)?.bytes;
  }

  #keys({ place }: Pick<Call, 'place'>, folder: string): readonly string[] {
    return this.#store.bucket.after(`${place}${folder}/`, '').map(({ key }) => key);
  }

  #read(key: string): string | undefined {
    return this.#store.bucket.find(key)?.bytes.toString();
  }
}

const hashOf = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

const packKey = (place: string, pack: string): string => `${place}data/${pack.slice(0, 2)}/${pack}`;

const valueOf = (words: readonly string[], option: string): string =>
  words[words.indexOf(option) + 1] ?? '';

/** Those of `--header-upload` that are kept with the object. */
const headersOf = (command: readonly string[]): Partial<ObjectMetadata> => ({
  user: Object.fromEntries(
    command.flatMap((word, at) => {
      const [, name = '', value = ''] = /^x-amz-meta-([^:]+): (.+)$/i.exec(word) ?? [];
      return command[at - 1] === '--header-upload' && name !== ''
        ? [[name.toLowerCase(), value]]
        : [];
    }),
  ),
});

const done = (output: string): ContainerEnd => ({ exitCode: 0, output });

const statusLine = JSON.stringify({ message_type: 'status', percent_done: 0.5 });

const errorOf = (item: string, message: string): string =>
  JSON.stringify({ message_type: 'error', error: { message }, item });

/** Zeros are left out. */
const summaryOf = (texts: readonly (string | undefined)[]): string =>
  JSON.stringify({
    message_type: 'summary',
    total_files: texts.length || undefined,
    total_bytes: texts.join('').length || undefined,
  });

const failure = (exitCode: number, message: string): ContainerEnd => ({
  exitCode,
  output: JSON.stringify({ message_type: 'exit_error', code: exitCode, message }),
});

/** restic takes any JSON for an index, also what it would not write. */
const isJson = (key: SealKey, sealed: Buffer): boolean => {
  try {
    return JSON.parse(textIn(unseal(key, sealed) ?? sealed, 2 ** 28) ?? '') !== undefined;
  } catch {
    return false;
  }
};
