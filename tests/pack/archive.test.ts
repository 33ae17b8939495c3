import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PackedFile, writeArchive } from '../../scripts/pack/archive.ts';

const files: readonly PackedFile[] = [
  { path: 'dispatch', contents: Buffer.from('#!/bin/sh\n'), executable: true },
  { path: 'dist/main.js', contents: Buffer.from('void 0;\n'.repeat(999)), executable: false },
  { path: 'LICENSE', contents: Buffer.alloc(0), executable: false },
];

describe('writeArchive', () => {
  let directory: string;
  const zone = process.env['TZ'];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'archive-'));
  });

  afterEach(async () => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
    await rm(directory, { recursive: true });
  });

  it('makes the same archive in any order of the files and in any time zone', async () => {
    const archives: Buffer[] = [];
    for (const [name, order] of [
      ['Europe/London', files],
      ['Pacific/Auckland', files.toReversed()],
    ] as const) {
      process.env['TZ'] = name;
      const file = join(directory, 'a.charm');
      await writeArchive(file, order);
      archives.push(await readFile(file));
    }
    assert.deepEqual(archives[0], archives[1]);
  });

  it('leaves no half of an archive when it cannot be finished', async () => {
    const twice = [...files, { path: '/absolute', contents: Buffer.alloc(1), executable: false }];
    await assert.rejects(writeArchive(join(directory, 'a.charm'), twice));
    assert.deepEqual(await readdir(directory), []);
  });
});
