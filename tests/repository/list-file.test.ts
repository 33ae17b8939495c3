import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readListFile, uploadObjectList } from '../../src/repository/object-list.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { goodList } from '../hostile/lists.ts';
import { intercept } from '../rigs/intercept.ts';

describe('an object list on our own disk', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'list-file-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('that an ended operation has removed is an error for whoever reads it, and ends nothing else', async () => {
    const file = join(folder, 'mlpipeline.last.ndjson.gz');
    const lines = readListFile(file, 'the last list');
    // An error of a stream that nobody listens to would end the process in this time.
    await pause(50);
    await assert.rejects(lines.next(), { code: 'manifest-invalid', message: /the last list/ });

    const store = new FakeObjectStore();
    const stop = intercept(store, 'upload', () => async () => {
      await pause(50);
      throw new Error('refused before it is read');
    });
    await assert.rejects(uploadObjectList(store, 'a', file), { message: /refused/ });
    stop();
  });

  it('is opened when its first line is asked for', async () => {
    const file = join(folder, 'mlpipeline.last.ndjson.gz');
    const lines = readListFile(file, 'the last list');
    await pause(50);
    await writeFile(file, goodList);
    const { done } = await lines.next();
    assert.equal(done, false);
    await lines.return(undefined);
  });
});
