import { createHash } from 'node:crypto';
import { textOf } from '../../src/ports/fields.ts';
import type { ObjectMetadata } from '../../src/world.ts';
import { claimsOf } from '../servers/kubernetes/stored-object.ts';
import type { ContainerEnd, ContainerRun, FakeCluster } from './cluster.ts';
import type { FakeObjectStore } from './object-store.ts';

/** The files of a claim, by their paths. */
export type FakeFiles = Map<string, string>;

interface Snapshot {
  readonly id: string;
  readonly hostname: string;
  readonly tags: readonly string[];
  /** The pack that holds each file. */
  readonly tree: Readonly<Record<string, string>>;
  readonly summary: object;
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

/**
 * restic in memory, behind the rclone of the pods in `cluster`: who does not know the address or a
 * password of a gateway gets nothing, through a gateway nothing is deleted, and a repository opens
 * with the password that it was made with. One pack holds one content; it is encrypted by nothing.
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
      return (await this.instead(run, role)) ?? this.#run(run);
    };
  }

  filesOf(volume: string): FakeFiles {
    const files = this.volumes.get(volume) ?? new Map<string, string>();
    this.volumes.set(volume, files);
    return files;
  }

  #run(run: ContainerRun): ContainerEnd {
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
    const [, path = ''] = /^:s3:[^/]+\/(.+)$/.exec(server.command.at(-1) ?? '') ?? [];
    const [claim] = claimsOf(pod.spec);
    return this.#perform({
      ...{ words: command.slice(1), place: `${path}/`, isAppendOnly },
      password: variables['RESTIC_PASSWORD'] ?? '',
      metadata: headersOf(server.command),
      files:
        claim === undefined ? undefined : this.filesOf(`${pod.metadata.namespace ?? ''}/${claim}`),
    });
  }

  #perform(call: Call): ContainerEnd {
    const [command = ''] = call.words;
    if (command === 'init') return this.#init(call);
    const config = this.#read(`${call.place}config`);
    if (config === undefined) return failure(10, 'Fatal: repository does not exist');
    if (config !== proofOf(call.password))
      return failure(12, 'Fatal: wrong password or no key found');
    if (['forget', 'prune', 'check'].includes(command) && this.#keys(call, 'locks').length > 0)
      return failure(11, 'unable to create lock in backend: repository is already locked');
    if (['forget', 'prune'].includes(command) && call.isAppendOnly)
      return failure(1, 'server response unexpected: 403 Forbidden (403)');
    switch (command) {
      case 'backup':
        return this.#backup(call);
      case 'snapshots':
        return this.#list(call);
      case 'restore':
        return this.#restore(call);
      case 'forget':
        for (const id of call.words.slice(1))
          this.#store.bucket.remove(`${call.place}snapshots/${id}`);
        return done('');
      case 'prune':
        return this.#prune(call);
      case 'check':
        return this.#check(call);
      default:
        return failure(1, `unknown command "${command}" for "restic"`);
    }
  }

  #init({ place, password, metadata }: Call): ContainerEnd {
    if (this.#store.bucket.after(place, '').length > 0)
      return failure(1, 'Fatal: create repository failed: config file already exists');
    this.#store.seed(`${place}keys/${hashOf(password)}`, 'a key', metadata);
    this.#store.seed(`${place}config`, proofOf(password), metadata);
    return done('{"message_type":"initialized"}');
  }

  #backup({ words, place, metadata, files = new Map() }: Call): ContainerEnd {
    const all = [...files];
    const read = all.filter(([path]) => !this.unreadable.has(path));
    if (all.length === 0) return failure(1, 'Fatal: unable to save snapshot: snapshot is empty');
    let added = 0;
    const tree: Record<string, string> = {};
    for (const [path, text] of read) {
      const pack = hashOf(text);
      const key = packKey(place, pack);
      if (this.#read(key) === undefined) {
        this.#store.seed(key, text, metadata);
        added += text.length;
      }
      tree[path] = pack;
    }
    const tag = valueOf(words, '--tag');
    const snapshot: Omit<Snapshot, 'id'> = {
      ...{ hostname: valueOf(words, '--host'), tags: [tag], tree },
      summary: {
        total_files_processed: read.length,
        total_bytes_processed: read.reduce((bytes, [, text]) => bytes + text.length, 0),
        data_added: added,
      },
    };
    const text = JSON.stringify({ time: this.#now().toISOString(), ...snapshot });
    this.#store.seed(`${place}snapshots/${hashOf(text)}`, text, metadata);
    const complaints = all
      .filter(([path]) => this.unreadable.has(path))
      .map(([path]) => errorOf(`/data/${path}`, 'open: permission denied'));
    return complaints.length === 0 ? done('') : { exitCode: 3, output: complaints.join('\n') };
  }

  #list({ words, place }: Call): ContainerEnd {
    const tag = valueOf(words, '--tag');
    const found = this.#snapshots(place).filter(({ tags }) => tags.includes(tag));
    return done(`using cache\n${JSON.stringify(found)}`);
  }

  #restore({ words, place, files = new Map() }: Call): ContainerEnd {
    const snapshot = this.#snapshots(place).find(({ id }) => id === words[1]);
    if (snapshot === undefined)
      return failure(1, `Fatal: no matching ID found for "${words[1] ?? ''}"`);
    const target = valueOf(words, '--target').replace(/^\.$/, '');
    const folder = target === '' ? '' : `${target}/`;
    const include = words.find((word) => word.startsWith('--include='))?.slice(10);
    const wanted = Object.entries(snapshot.tree).filter(
      ([path]) => include === undefined || `/${path}`.startsWith(include),
    );
    const complaints: string[] = [];
    for (const [path, pack] of wanted) {
      const text = this.#read(packKey(place, pack));
      if (text === undefined || hashOf(text) !== pack)
        complaints.push(errorOf(`/${path}`, 'unexpected contents'));
      else if (!words.includes('never') || !files.has(folder + path))
        files.set(folder + path, text);
    }
    const restored = new Set(wanted.map(([path]) => folder + path));
    if (words.includes('--delete'))
      for (const path of files.keys()) if (!restored.has(path)) files.delete(path);
    return complaints.length === 0 ? done('') : { exitCode: 1, output: complaints.join('\n') };
  }

  #prune({ place }: Call): ContainerEnd {
    const used = new Set(this.#snapshots(place).flatMap(({ tree }) => Object.values(tree)));
    for (const key of this.#keys({ place }, 'data'))
      if (!used.has(key.split('/').at(-1) ?? '')) this.#store.bucket.remove(key);
    return done('');
  }

  #check({ words, place }: Call): ContainerEnd {
    const reads = words.includes('--read-data-subset');
    const packs = [...new Set(this.#snapshots(place).flatMap(({ tree }) => Object.values(tree)))];
    const errors = packs.flatMap((pack) => {
      const text = this.#read(packKey(place, pack));
      if (text === undefined) return [`pack ${pack}: does not exist`];
      return reads && hashOf(text) !== pack ? [`pack ${pack} contains 1 errors`] : [];
    });
    const lines = [
      ...errors.map((message) => ({ message_type: 'error', message })),
      { message_type: 'summary', num_errors: errors.length, broken_packs: null },
    ];
    const output = lines.map((line) => JSON.stringify(line)).join('\n');
    return { exitCode: errors.length === 0 ? 0 : 1, output };
  }

  #snapshots(place: string): readonly Snapshot[] {
    return this.#keys({ place }, 'snapshots').map((key) => ({
      ...(JSON.parse(this.#read(key) ?? '{}') as Snapshot),
      id: textOf(key.split('/').at(-1)),
    }));
  }

  #keys({ place }: Pick<Call, 'place'>, folder: string): readonly string[] {
    return this.#store.bucket.after(`${place}${folder}/`, '').map(({ key }) => key);
  }

  #read(key: string): string | undefined {
    return this.#store.bucket.find(key)?.bytes.toString();
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const proofOf = (password: string): string => `opens with ${hashOf(password)}`;

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

const errorOf = (item: string, message: string): string =>
  JSON.stringify({ message_type: 'error', error: { message }, item });

const failure = (exitCode: number, message: string): ContainerEnd => ({
  exitCode,
  output: JSON.stringify({ message_type: 'exit_error', code: exitCode, message }),
});
