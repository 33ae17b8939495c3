import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { compareKeys, lowerBound } from './key-order.ts';

/** A piece of an object's bytes: a whole file below the bucket's directory. */
export interface S3File {
  readonly file: string;
  readonly size: number;
}

export interface S3Object {
  readonly key: string;
  readonly etag: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
  /**
   * What GET and HEAD repeat: content-type and the like, x-amz-meta-*,
   * x-amz-server-side-encryption*.
   */
  readonly headers: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** When RestoreObject is done, and how long that lasts; milliseconds since 1970. */
  readonly thaw?: { readonly from: number; readonly until: number };
  /** One, or one for each part. */
  readonly files: readonly S3File[];
  /** Where the bucket keeps versions. */
  readonly versionId?: string;
}

/** That an object was deleted, where the bucket keeps versions. */
export type S3Marker = Required<Pick<S3Object, 'key' | 'versionId' | 'lastModified'>>;

export interface S3Part extends S3File {
  readonly etag: string;
}

export interface S3Upload extends Pick<S3Object, 'key' | 'headers' | 'tags'> {
  readonly id: string;
  readonly initiated: number;
  readonly parts: Map<number, S3Part>;
}

type Change =
  | { readonly put: S3Object }
  | { readonly remove: string; readonly marker?: S3Marker }
  | { readonly start: Omit<S3Upload, 'parts'> }
  | { readonly part: S3Part & { readonly upload: string; readonly number: number } }
  | { readonly end: string };

/**
 * A bucket on the disk: bytes in files of their own, everything else in a log of changes that is
 * read once when the bucket is opened. A last line that was cut off by a kill is passed over.
 */
export class S3Bucket {
  readonly directory: string;
  readonly uploads = new Map<string, S3Upload>();
  readonly #objects = new Map<string, S3Object>();
  /** By key, what is there no more and what is a marker; the newest first. */
  readonly #older = new Map<string, readonly (S3Object | S3Marker)[]>();
  readonly #keepsVersions: boolean;
  readonly #folders = new Set<string>();
  readonly #log: number;
  #sorted: string[] | undefined;

  constructor(directory: string, { keepsVersions = false } = {}) {
    this.directory = directory;
    this.#keepsVersions = keepsVersions;
    mkdirSync(directory, { recursive: true });
    const log = join(directory, 'log.ndjson');
    if (existsSync(log)) for (const change of changesIn(log)) this.#apply(change);
    this.#log = openSync(log, 'a');
    // After half a line, what comes next must begin a line of its own.
    writeSync(this.#log, '\n');
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): S3Object | undefined {
    return this.#objects.get(key);
  }

  /** Keys in the order of their UTF-8 bytes, from the first that is not before `from`. */
  *from(from: string): Generator<S3Object> {
    const keys = this.#inOrder();
    for (let index = lowerBound(keys, from); index < keys.length; index += 1)
      yield this.#objects.get(keys[index]!)!;
  }

  put(object: S3Object): void {
    this.#write([{ put: this.#named(object) }]);
  }

  /** Changes the newest version itself. */
  alter(object: S3Object): void {
    this.#write([{ put: object }]);
  }

  putAll(objects: readonly S3Object[]): void {
    this.#write(objects.map((object) => ({ put: this.#named(object) })));
  }

  remove(key: string, now = new Date()): void {
    if (!this.#objects.has(key)) return;
    const marker = { key, versionId: randomUUID(), lastModified: now.getTime() };
    this.#write([{ remove: key, ...(this.#keepsVersions && { marker }) }]);
  }

  /** The newest first. */
  versionsOf(key: string): readonly (S3Object | S3Marker)[] {
    const current = this.#objects.get(key);
    return [...(current ? [current] : []), ...(this.#older.get(key) ?? [])];
  }

  /** Keys that have a version, in the order of their UTF-8 bytes. */
  keysWithVersions(): readonly string[] {
    return [...new Set([...this.#objects.keys(), ...this.#older.keys()])].sort(compareKeys);
  }

  startUpload(upload: Omit<S3Upload, 'parts'>): void {
    this.#write([{ start: upload }]);
  }

  addPart(upload: string, number: number, part: S3Part): void {
    this.#write([{ part: { ...part, upload, number } }]);
  }

  /** Ends an upload; its parts' files go unless they became an object's. */
  endUpload(id: string, object?: S3Object): void {
    this.#write([...(object ? [{ put: this.#named(object) }] : []), { end: id }]);
  }

  /** A name for a new file, whose folder is there. */
  newFile(): string {
    const id = randomBytes(12).toString('hex');
    const folder = id.slice(0, 2);
    if (!this.#folders.has(folder)) {
      mkdirSync(join(this.directory, folder), { recursive: true });
      this.#folders.add(folder);
    }
    return `${folder}/${id}`;
  }

  pathOf(file: string): string {
    return join(this.directory, file);
  }

  close(): void {
    closeSync(this.#log);
  }

  #named(object: S3Object): S3Object {
    return this.#keepsVersions ? { ...object, versionId: randomUUID() } : object;
  }

  #write(changes: readonly Change[]): void {
    writeSync(this.#log, changes.map((change) => `${JSON.stringify(change)}\n`).join(''));
    for (const change of changes) for (const file of this.#apply(change)) this.#drop(file);
  }

  /** Returns the files that nothing refers to any more. */
  #apply(change: Change): readonly string[] {
    if ('put' in change) return this.#setObject(change.put.key, change.put);
    if ('remove' in change) {
      const dropped = this.#setObject(change.remove, undefined);
      if (change.marker) this.#addOlder(change.marker);
      return dropped;
    }
    if ('start' in change) {
      this.uploads.set(change.start.id, { ...change.start, parts: new Map() });
      return [];
    }
    if ('part' in change) {
      const parts = this.uploads.get(change.part.upload)?.parts;
      const before = parts?.get(change.part.number);
      parts?.set(change.part.number, change.part);
      return before ? [before.file] : [];
    }
    const upload = this.uploads.get(change.end);
    this.uploads.delete(change.end);
    const kept = new Set(this.#objects.get(upload?.key ?? '')?.files.map(({ file }) => file));
    return [...(upload?.parts.values() ?? [])]
      .map(({ file }) => file)
      .filter((file) => !kept.has(file));
  }

  #setObject(key: string, object: S3Object | undefined): readonly string[] {
    const before = this.#objects.get(key);
    if (object) this.#objects.set(key, object);
    else this.#objects.delete(key);
    if (this.#sorted && !before !== !object) {
      const index = lowerBound(this.#sorted, key);
      if (object) this.#sorted.splice(index, 0, key);
      else this.#sorted.splice(index, 1);
    }
    if (before?.versionId !== undefined && before.versionId !== object?.versionId) {
      this.#addOlder(before);
      return [];
    }
    const kept = new Set(object?.files.map(({ file }) => file));
    return (before?.files ?? []).map(({ file }) => file).filter((file) => !kept.has(file));
  }

  #addOlder(version: S3Object | S3Marker): void {
    this.#older.set(version.key, [version, ...(this.#older.get(version.key) ?? [])]);
  }

  #inOrder(): readonly string[] {
    this.#sorted ??= [...this.#objects.keys()].sort(compareKeys);
    return this.#sorted;
  }

  #drop(file: string): void {
    rmSync(this.pathOf(file), { force: true });
  }
}

const changesIn = (log: string): readonly Change[] => {
  const lines = readFileSync(log, 'utf8').split('\n');
  return lines.filter((line) => line !== '').flatMap(parseChange);
};

/** The log is our own, so what parses as JSON is a change; half a line does not parse. */
const parseChange = (line: string): Change[] => {
  try {
    return [JSON.parse(line) as Change];
  } catch {
    return [];
  }
};
