import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { openS3, type S3Options } from '../../src/adapters/s3/s3.ts';
import type { FromThread, ToThread } from '../../src/components/buckets/threads/messages.ts';
import { openCopyThreads } from '../../src/components/buckets/threads/copy-threads.ts';
import { md5Of } from '../../src/ports/etags.ts';
import { type CopyThreadData, threadBetween } from '../../src/wiring/start-copy-thread.ts';
import type { CopyThread } from '../../src/world.ts';
import { quickClock as clock } from '../fakes/fast-clock.ts';
import { FakeProgress } from '../fakes/progress.ts';
import { history, mirror, openMirrorRigBetween } from '../rigs/mirror.ts';
import { startS3Server, testUser, type S3Server } from '../servers/s3/server.ts';

const mebi = 2 ** 20;

describe('threads that copy', () => {
  let minio: S3Server;
  let s3: S3Server;
  beforeEach(async () => {
    minio = await startS3Server({ profile: 'minio-2021', buckets: ['mlpipeline'] });
    s3 = await startS3Server({ buckets: ['backups'] });
  });
  afterEach(async () => {
    await minio.close();
    await s3.close();
  });

  const accessTo = ({ url: endpoint }: S3Server, bucket: string) => ({
    ...({ endpoint, bucket, region: undefined, style: 'path' } satisfies Partial<S3Options>),
    ...testUser,
  });

  it('bring over the same objects when one of them is ended, and none is left afterwards', async () => {
    for (let index = 0; index < 80; index += 1)
      minio.contents.put('mlpipeline', {
        ...{ key: `k${String(index).padStart(3, '0')}/ü`, content: `content of ${index}` },
        ...{ contentType: 'text/x-run', tags: { of: `${index}` } },
      });
    const large = Buffer.alloc(5 * mebi + 1, 'p');
    minio.contents.put('mlpipeline', { key: 'l/streamed', content: large });
    minio.contents.put('mlpipeline', { key: 'l/parts', content: large, partSize: 5 * mebi });
    const [source, target] = [accessTo(minio, 'mlpipeline'), accessTo(s3, 'backups')];
    const started: CopyThread[] = [];
    const copied: number[] = [];
    let ended = 0;
    const threads = openCopyThreads(
      {
        progress: new FakeProgress(),
        startCopyThread: async () => {
          const nth = started.length;
          const thread = threadBetween([source], target);
          started.push(thread);
          thread.onEnd(() => (ended += 1));
          thread.onMessage((message) => {
            if ((message as FromThread).kind !== 'ended') return;
            copied[nth] = (copied[nth] ?? 0) + 1;
            if (nth === 0 && copied[nth] === 3) void thread.end();
          });
          return thread;
        },
      },
      ...([{ copyProcesses: 3 }, ['mlpipeline'], 0] as const),
    );
    await using from = openS3({ ...source, clock });
    await using to = openS3({ ...target, clock });
    await using rig = await openMirrorRigBetween(from, to);
    // A thread takes a moment to start, and may come too late for the first pass.
    do {
      for (const key of s3.contents.keys('backups')) s3.contents.remove('backups', key);
      await rig.pass({ threads, baseline: undefined });
    } while (ended === 0);
    await threads[Symbol.asyncDispose]();
    assert.equal(ended, started.length);
    assert.ok((copied[1] ?? 0) > 0);
    const objects = minio.contents.objects('mlpipeline');
    assert.equal(s3.contents.objects('backups').length, objects.length);
    for (const { key, etag, tags } of objects) {
      assert.deepEqual(
        s3.contents.read('backups', mirror + key),
        minio.contents.read('mlpipeline', key),
      );
      const copy = s3.contents.objects('backups').find((one) => one.key === mirror + key);
      assert.deepEqual([copy?.etag, copy?.tags], [etag, tags]);
    }
    assert.deepEqual(
      (await rig.list()).map(({ key, etag }) => [key, etag]),
      objects.map(({ key, etag }) => [key, etag]),
    );
  });

  it('are in the bundle', async () => {
    minio.contents.put('mlpipeline', { key: 'one', content: 'content' });
    const workerData: CopyThreadData = {
      target: { ...accessTo(s3, 'backups'), proxyUrl: undefined },
      sources: [{ ...accessTo(minio, 'mlpipeline'), proxyUrl: undefined }],
    };
    const bundle = join(import.meta.dirname, '..', '..', 'dist', 'copy-thread.js');
    const worker = new Worker(bundle, { workerData });
    const say = (message: ToThread): void => {
      worker.postMessage(message);
    };
    const how = { mirror, history, keepsTags: true, confirmListed: false, archive: false };
    say({ kind: 'begin', pass: 1, how: { ...how, bucket: 'mlpipeline', timetable: [] } });
    const source = { key: 'one', size: 7, etag: md5Of('content'), lastModified: new Date() };
    const job = { source, mirror: undefined, asks: 'all', archived: false } as const;
    say({ kind: 'copy', pass: 1, copy: 1, job });
    const heard: string[] = [];
    for (;;) {
      const [message] = (await once(worker, 'message')) as [FromThread];
      heard.push(message.kind);
      if (message.kind === 'may') say({ kind: 'answer', question: message.question, isYes: true });
      if (message.kind !== 'ended') continue;
      assert.equal(message.done?.result?.copied, true);
      break;
    }
    await worker.terminate();
    assert.deepEqual(heard, ['may', 'ended']);
    assert.equal(String(s3.contents.read('backups', `${mirror}one`)), 'content');
  });
});
