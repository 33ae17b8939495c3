import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv, type JSONSchemaType } from 'ajv';
import type { Metafile } from 'esbuild';

/** A package that went into the charm, as the lock file has it. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly licence: string;
  /** `sha512-` and base64, of the registry's archive. */
  readonly integrity: string;
  /** Where it lies below the root, such as `node_modules/ws`. */
  readonly directory: string;
  /** The directories of the bundled packages whose files it imports. */
  readonly imports: readonly string[];
}

export interface LockEntry {
  readonly version: string;
  readonly integrity: string;
  readonly license?: string;
}

export type Lock = ReadonlyMap<string, LockEntry>;

const lockSchema: JSONSchemaType<{ packages: Record<string, Partial<LockEntry>> }> = {
  type: 'object',
  required: ['packages'],
  properties: {
    packages: {
      type: 'object',
      required: [],
      additionalProperties: {
        type: 'object',
        required: [],
        properties: {
          version: { type: 'string', nullable: true },
          integrity: { type: 'string', nullable: true },
          license: { type: 'string', nullable: true },
        },
      },
    },
  },
};

const isLock = new Ajv().compile(lockSchema);

/** The packages of package-lock.json by directory; without our own, which has no integrity. */
export const readLock = async (root: string): Promise<Lock> => {
  const lock: unknown = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
  if (!isLock(lock)) throw new Error('package-lock.json is not a lock file of version 3');
  return new Map(
    Object.entries(lock.packages).flatMap(([directory, { version, integrity, license }]) =>
      version === undefined || integrity === undefined
        ? []
        : [[directory, { version, integrity, ...(license !== undefined && { license }) }]],
    ),
  );
};

/** The packages that the bundle has at least a byte of, in the order of their directories. */
export const bundledPackages = (metafile: Metafile, lock: Lock): readonly BundledPackage[] => {
  const used = new Set(
    Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.entries(inputs)
        .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
        .map(([path]) => path),
    ),
  );
  const imports = new Map<string, Set<string>>();
  for (const path of used) {
    const directory = packageOf(path);
    if (directory === undefined) continue;
    const targets = imports.get(directory) ?? new Set();
    imports.set(directory, targets);
    for (const imported of metafile.inputs[path]?.imports ?? []) {
      const target = used.has(imported.path) ? packageOf(imported.path) : undefined;
      if (target !== undefined && target !== directory) targets.add(target);
    }
  }
  return [...imports]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([directory, targets]) => locked(directory, lock, [...targets].sort()));
};

/**
 * The lock file's entry of a package; throws when it has none, or no licence, for such a package
 * may not enter the charm.
 */
export const locked = (
  directory: string,
  lock: Lock,
  imports: readonly string[] = [],
): BundledPackage => {
  const entry = lock.get(directory);
  if (entry === undefined) throw new Error(`${directory} is not in package-lock.json`);
  const { version, integrity, license: licence } = entry;
  if (licence === undefined) throw new Error(`package-lock.json names no licence of ${directory}`);
  const name = directory.slice(directory.lastIndexOf('node_modules/') + 'node_modules/'.length);
  return { name, version, licence, integrity, directory, imports };
};

/** `node_modules/@scope/name` of a file below it; undefined for our own files. */
const packageOf = (path: string): string | undefined =>
  /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
