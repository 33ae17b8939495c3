import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { loadDump } from '../../../src/components/mlmd/load-dump.ts';
import { goodDump, hostileDumps } from '../../hostile/dumps.ts';

const limits = { fileBytes: 64 * 2 ** 20, memoryBytes: 256 * 2 ** 20 };

describe('a dump from somebody who wishes us ill', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'load-dump-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const load = async (object: Buffer): Promise<void> => {
    const file = join(folder, 'mlmd.db');
    rmSync(file, { force: true });
    await loadDump(Readable.from([object]).pipe(createGunzip()), file, limits);
  };

  it('is told from one that is good', async () => {
    await load(goodDump);
  });

  for (const { name, object, refusedWith } of hostileDumps.filter(({ isPacked }) => isPacked))
    it(`is refused for ${name}`, async () => {
      await assert.rejects(load(object), (error) => {
        assert.ok(error instanceof Error);
        // What SQLite itself refuses is its error; the thread puts that into words.
        if (!('errcode' in error)) assert.match(error.message, refusedWith);
        else assert.match('SQLite refuses it', refusedWith);
        return true;
      });
    });
});
