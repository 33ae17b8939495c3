import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { repositoryPassword } from '../../src/volumes/restic/keys.ts';
import { keyIn, textIn, unseal } from '../../src/volumes/restic/restic-seal.ts';
import { seal } from '../fakes/restic-seal.ts';
import type { Box } from '../sandbox/box.ts';
import { type UserVolumes, volumesKey } from '../sandbox/box/volumes.ts';
import { until } from './restic.ts';

/** A blob as restic's indexes have it. */
export interface Blob {
  readonly id: string;
  readonly type: 'data' | 'tree';
  readonly offset: number;
  readonly length: number;
  readonly uncompressed_length?: number;
}

export interface Pack {
  readonly id: string;
  readonly blobs: readonly Blob[];
}

/** A user who writes restic's files with all that the own namespace holds meanwhile. */
export interface Forger {
  /** What the own indexes say. */
  readonly packs: readonly Pack[];
  /** Puts a file there, by the name that restic would give it, which is returned. */
  put(folder: 'data' | 'index' | 'snapshots', content: Buffer): Promise<string>;
  seal(text: string | Buffer): Buffer;
}

/** Resolves with how the session of a volume ended, while whose gateway was open `forge` ran. */
export const whileOpen = async (
  { box, volumes }: { readonly box: Box; readonly volumes: UserVolumes },
  volume: string,
  forge: (forger: Forger) => Promise<void>,
) => {
  const [namespace = ''] = volume.split('/');
  const { store, holds } = volumes.workloads;
  const held = Promise.withResolvers<undefined>();
  holds.set(volume, held.promise);
  const running = box.start('backup-volumes', { volumes: volume });
  try {
    const job = await until(() =>
      store.all('jobs', namespace).find(({ spec }) => spec?.suspend === false),
    );
    const env = job.spec?.template?.spec.containers?.[0]?.env ?? [];
    const repository = env.find(({ name }) => name === 'RESTIC_REPOSITORY')?.value ?? '';
    const [secret] = store.all('secrets', namespace);
    const words = `${namespace}:${decoded(secret?.data?.['gateway-password'])}`;
    const authorization = `Basic ${Buffer.from(words).toString('base64')}`;
    const { contents } = box.stores.target;
    const place = `${box.prefix}/volumes/repos/${namespace}/`;
    const filesOf = (folder: string) =>
      contents
        .objects('ckf-backups')
        .filter(({ key }) => key.startsWith(`${place}${folder}/`))
        .map(({ key }) => contents.read('ckf-backups', key));
    const password = repositoryPassword(volumesKey, namespace);
    const key = filesOf('keys').map((file) => keyIn(file, password))[0] ?? assert.fail();
    await forge({
      packs: filesOf('index').flatMap(
        (file) =>
          (
            JSON.parse(textIn(unseal(key, file) ?? assert.fail(), 2 ** 26) ?? '') as {
              packs: Pack[];
            }
          ).packs,
      ),
      seal: (text) => seal(key, text),
      put: async (folder, content) => {
        const id = createHash('sha256').update(content).digest('hex');
        const url = `${repository.replace(/^rest:/, '')}${folder}/${id}`;
        const body = new Uint8Array(content);
        const { status } = await fetch(url, { method: 'POST', headers: { authorization }, body });
        assert.equal(status, 200);
        return id;
      },
    });
  } finally {
    held.resolve(undefined);
    holds.delete(volume);
  }
  return running.done;
};

/** A pack that says to have these blobs, of one type, and has noise in their places. */
export const lyingPack = (
  { seal: sealed }: Pick<Forger, 'seal'>,
  blobs: readonly Blob[],
): { readonly content: Buffer; readonly blobs: readonly Blob[] } => {
  const header = blobs.map(({ id, type, length, uncompressed_length: plain = 0 }) => {
    const entry = Buffer.alloc(plain > 0 ? 41 : 37);
    entry.writeUInt8((type === 'tree' ? 1 : 0) + (plain > 0 ? 2 : 0), 0);
    entry.writeUInt32LE(length, 1);
    if (plain > 0) entry.writeUInt32LE(plain, 5);
    Buffer.from(id, 'hex').copy(entry, entry.length - 32);
    return entry;
  });
  const head = sealed(Buffer.concat(header));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(head.length);
  let offset = 0;
  const moved = blobs.map((blob) => {
    const here = { ...blob, offset };
    offset += blob.length;
    return here;
  });
  return { content: Buffer.concat([randomBytes(offset), head, size]), blobs: moved };
};

const decoded = (text = ''): string => Buffer.from(text, 'base64').toString();
