import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { S3Bucket } from './bucket.ts';
import { S3Error } from './replies.ts';

/** The buckets below a directory; each is opened when it is first used. */
export class S3Buckets {
  readonly #directory: string;
  readonly #options: { readonly keepsVersions?: boolean };
  readonly #open = new Map<string, S3Bucket>();

  constructor(directory: string, options: { readonly keepsVersions?: boolean } = {}) {
    this.#directory = directory;
    this.#options = options;
    mkdirSync(directory, { recursive: true });
  }

  names(): readonly string[] {
    return readdirSync(this.#directory).sort();
  }

  /** Makes the bucket when it is not there. */
  create(name: string): S3Bucket {
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name))
      throw new S3Error(400, 'InvalidBucketName', 'The specified bucket is not valid.');
    const bucket = this.#open.get(name) ?? new S3Bucket(join(this.#directory, name), this.#options);
    this.#open.set(name, bucket);
    return bucket;
  }

  find(name: string): S3Bucket {
    const open = this.#open.get(name);
    if (open) return open;
    if (!/^[a-z0-9.-]+$/.test(name) || !existsSync(join(this.#directory, name)))
      throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist');
    return this.create(name);
  }

  remove(name: string): void {
    this.#open.get(name)?.close();
    this.#open.delete(name);
    rmSync(join(this.#directory, name), { recursive: true, force: true });
  }

  close(): void {
    for (const bucket of this.#open.values()) bucket.close();
    this.#open.clear();
  }
}
