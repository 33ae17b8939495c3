import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { S3Access } from '../../src/adapters/s3/options.ts';
import { openS3, type S3Options } from '../../src/adapters/s3/s3.ts';
import type {
  FromThread,
  ThreadJob,
  ThreadPass,
  ToThread,
} from '../../src/components/buckets/threads/messages.ts';
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

  /** A thread that has answered. */
  const readyThread = async (source: S3Access, target: S3Access): Promise<CopyThread> => {
    const thread = threadBetween([source], target);
    const answer = Promise.withResolvers<unknown>();
    thread.onMessage(answer.resolve);
    thread.post({ kind: 'begin', pass: 0, how: { kind: 'read' } } satisfies ToThread);
    const away = { key: 'none', size: 0, etag: 'none', lastModified: new Date(0) };
    const listed = { ...away, lastModified: away.lastModified.toISOString() };
    const job = { source: away, listed };
    thread.post({ kind: 'do', pass: 0, number: 0, job } satisfies ToThread);
    await answer.promise;
    return thread;
  };

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
    // A thread takes a moment to start, and would come too late for so few objects.
    const waiting = await Promise.all([1, 2].map(() => readyThread(source, target)));
    const started: CopyThread[] = [];
    const copied: number[] = [];
    let ended = 0;
    const threads = openCopyThreads(
      {
        progress: new FakeProgress(),
        startCopyThread: async () => {
          const nth = started.length;
          const thread = waiting.shift() ?? assert.fail('a third one');
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
      ...([{ copyProcesses: 3 }, { buckets: ['mlpipeline'], enough: 0 }] as const),
    );
    await using from = openS3({ ...source, clock });
    await using to = openS3({ ...target, clock });
    await using rig = await openMirrorRigBetween(from, to);
    await rig.pass({ threads });
    assert.equal(ended, 1);
    await threads[Symbol.asyncDispose]();
    assert.equal(ended, 2);
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
    const common = { bucket: 'mlpipeline', timetable: [] };
    const object = { key: 'one', size: 7, etag: md5Of('content') };
    const listed = { ...object, lastModified: new Date(0).toISOString() };
    const source = { ...object, lastModified: new Date(0) };
    const job = { source, mirror: undefined, asks: 'all', archived: false } as const;
    const heard: string[] = [];
    const ask = async (how: ThreadPass, given: ThreadJob): Promise<unknown> => {
      const number = heard.length;
      say({ kind: 'begin', pass: number, how });
      say({ kind: 'do', pass: number, number, job: given });
      for (;;) {
        const [message] = (await once(worker, 'message')) as [FromThread];
        heard.push(message.kind);
        if (message.kind === 'may')
          say({ kind: 'answer', question: message.question, isYes: true });
        else if (message.kind === 'ended') return message.done?.result;
      }
    };
    const back = { contentEtag: object.etag, copied: true };
    const copied = await ask({ kind: 'copy', ...common, ...how }, job);
    assert.partialDeepStrictEqual(copied, back);
    assert.equal(String(s3.contents.read('backups', `${mirror}one`)), 'content');
    minio.contents.remove('mlpipeline', 'one');
    const set = { mirror, history };
    const broughtBack = await ask({ kind: 'restore', ...common, set }, { ...job, listed });
    assert.partialDeepStrictEqual(broughtBack, back);
    assert.equal(String(minio.contents.read('mlpipeline', 'one')), 'content');
    const stored = { ...source, key: `${mirror}one` };
    const verdict = await ask({ kind: 'read' }, { source: stored, listed });
    assert.deepEqual(verdict, { kind: 'proven', byEtag: true });
    await worker.terminate();
    assert.deepEqual(heard, ['may', 'ended', 'may', 'ended', 'ended']);
  });
});
