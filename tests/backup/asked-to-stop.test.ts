import assert from 'node:assert/strict';
import { runBackup } from '../../src/backup/run-backup.ts';
import { CharmError } from '../../src/errors.ts';
import type { JujuModel, ObjectStore } from '../../src/world.ts';
import { quickClock } from '../fakes/fast-clock.ts';
import { aBackupWorld } from '../rigs/backup-world.ts';
import { aConfig } from '../rigs/config.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { targetIn } from '../rigs/target.ts';

const request = { allowRunning: false, allowShrink: false, takeOver: false, timeoutSeconds: 600 };

/**
 * As the real adapter: once the process is asked to stop, it takes away, and asks for nothing more.
 */
const stoppable = (store: ObjectStore, signal: AbortSignal): ObjectStore => {
  const stopped = async function* (): AsyncGenerator<never> {
    yield await Promise.reject(signal.reason as Error);
  };
  return new Proxy(store, {
    get: (of, name) => {
      const member: unknown = Reflect.get(of, name, of);
      if (typeof member !== 'function') return member;
      const tidies = name === 'delete' || name === 'abortUpload' || name === Symbol.asyncDispose;
      return (...words: unknown[]): unknown => {
        if (tidies || !signal.aborted) return Reflect.apply(member, of, words) as unknown;
        return /^list|^unfinished/.test(String(name))
          ? stopped()
          : Promise.reject(signal.reason as Error);
      };
    },
  });
};

describe('a backup that is asked to stop', () => {
  it('leaves neither a mark nor a lock nor a list in S3, although it can ask S3 nothing any more', async () => {
    using rig = aBackupWorld();
    const stop = new AbortController();
    const store = stoppable(rig.target, stop.signal);
    const put = rig.target.put.bind(rig.target);
    const spied: typeof rig.target.put = async (key, body, options) => {
      const stored = await put(key, body, options);
      if (key.startsWith('ckf/mlpipeline/'))
        stop.abort(new CharmError('interrupted', 'Asked to stop.'));
      return stored;
    };
    Object.assign(rig.target, { put: spied });
    await rejectsWithCode(
      runBackup(
        {
          ...{ ...rig.whole, signal: stop.signal },
          clock: quickClock,
          openTarget: async () => targetIn(store),
        },
        aConfig({ components: ['mlpipeline'] }),
        request,
      ),
      'interrupted',
    );
    assert.deepEqual(
      [...rig.target.objects.keys()],
      ['ckf/ckf-backup.json', 'ckf/mlpipeline/pipelines/1'],
    );
  });
});

describe('a backup that takes longer than its deadline', () => {
  it('puts scales back however long that takes, because nobody ends its process', async () => {
    using rig = aBackupWorld();
    const deadline = new AbortController();
    const { clock, model, journal } = rig;
    const openJuju = async (): Promise<JujuModel> => {
      const juju = await rig.whole.openJuju();
      return {
        ...juju,
        scale: async (application, units) => {
          // Much longer than the 20 s that a process has which is asked to end.
          if (deadline.signal.aborted) await clock.sleep(60_000);
          await juju.scale(application, units);
          deadline.abort(new CharmError('deadline-exceeded', 'Too long.'));
        },
      };
    };
    await rejectsWithCode(
      runBackup(
        { ...rig.whole, openJuju, deadline: deadline.signal },
        aConfig({ components: ['kfp-db'], databaseUnits: 2 }),
        request,
      ),
      'deadline-exceeded',
    );
    assert.equal(model.application('kfp-db').scale, 1);
    assert.deepEqual(await journal.entries(), []);
  });
});
