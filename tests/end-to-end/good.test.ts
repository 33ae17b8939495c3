import assert from 'node:assert/strict';
import type { ActionRun } from '../sandbox/box/actions.ts';
import { type Box, type BoxOptions } from '../sandbox/box.ts';
import { proofsOf } from '../sandbox/demo/prove-set.ts';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { assertNothingRuns } from './expect-failure.ts';
import { assertNoSecrets } from './no-secrets.ts';

interface Case {
  readonly kind?: Omit<BoxOptions, 'directory'>;
  readonly prepare?: (box: Box) => Promise<void> | void;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly see?: (box: Box, run: ActionRun) => void;
}

const unitsSet = ({ model }: Box, application: string): readonly number[] =>
  model.changes.flatMap((change) =>
    change.kind === 'scale' && change.application === application ? [change.to] : [],
  );

const backupsAsked = ({ model }: Box) =>
  model.changes.flatMap((change) =>
    change.kind === 'enqueue' && change.action === 'create-backup' ? [change] : [],
  );

const cases: Readonly<Record<string, Case>> = {
  'of databases that know no force, asked by Juju 3.4 and given S3 by track 1': {
    kind: { mysql: '8.0-240', juju: '3.4', s3Integrator: 1 },
    see: (box) => {
      assert.ok(backupsAsked(box).every(({ parameters }) => parameters['force'] === undefined));
    },
  },
  'of databases that call two healthy members unhealthy': {
    see: (box) => {
      const forced = backupsAsked(box).filter(({ parameters }) => parameters['force'] === true);
      assert.deepEqual(forced.map(({ unit }) => unit).sort(), ['katib-db/1', 'kfp-db/1']);
      assert.ok(forced.every(({ model }) => model['kfp-db']?.scale === 2));
      assert.deepEqual(unitsSet(box, 'kfp-db'), [2, 1]);
      assert.deepEqual(unitsSet(box, 'kfp-metadata-writer'), [0, 1]);
    },
  },
  'of MySQL 8.4 that takes its keys from a secret, on Juju 4.0': {
    kind: { mysql: '8.4', juju: '4.0' },
  },
  'on Juju 4.1, which takes the lowest units away again': {
    kind: { juju: '4.1' },
    see: ({ model }) => {
      const names = ['kfp-db', 'katib-db'].map(
        (application) => model.application(application).units.map(({ name }) => name)[0],
      );
      assert.deepEqual(names, ['kfp-db/1', 'katib-db/1']);
    },
  },
  'of databases that have three units, without scaling or forcing them': {
    kind: { databaseUnits: 3 },
    see: (box) => {
      assert.deepEqual(unitsSet(box, 'kfp-db'), []);
      assert.ok(
        backupsAsked(box).every(
          ({ unit, parameters }) => !unit.endsWith('/0') && parameters['force'] !== true,
        ),
      );
    },
  },
  'of databases in one unit, and says what was running': {
    kind: { mysql: '8.0-255' },
    prepare: async (box) => {
      await box.configure({ 'database-units': 1 });
      box.kubernetes.setResources('argoproj.io/v1alpha1/workflows', [
        { metadata: { name: 'train-7', namespace: 'alice' }, status: { phase: 'Running' } },
      ]);
    },
    parameters: { 'allow-running': true },
    see: (box, run) => {
      assert.deepEqual(unitsSet(box, 'kfp-db'), []);
      assert.equal(run.results['consistent'], 'false');
    },
  },
  'through storage that is slow and fails now and then': {
    prepare: ({ stores }) => {
      stores.minio.fail({ operation: 'GetObject', nth: 3, times: 3, fault: { answer: 503 } });
      stores.minio.fail({ operation: 'GetObject', key: /model$/, fault: { truncate: 100 } });
      stores.minio.fail({ key: /in-parts$/, times: 5, fault: { bytesPerSecond: 4 * 2 ** 20 } });
      stores.target.fail({ operation: 'PutObject', nth: 4, times: 2, fault: { reset: 'during' } });
      stores.target.fail({ operation: 'PutObject', nth: 9, fault: { answer: 503 } });
    },
  },
};

describe('a backup', () => {
  const outcomes = new Map<string, PromiseWithResolvers<undefined>>(
    Object.keys(cases).map((name) => [name, Promise.withResolvers<undefined>()]),
  );

  // They wait most of the time, so three of them run side by side.
  before(() => {
    const left = Object.entries(cases);
    const lane = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [name, each] = next;
        const outcome = outcomes.get(name) ?? assert.fail(name);
        await backUpAndProve(each).then(() => {
          outcome.resolve(undefined);
        }, outcome.reject);
      }
    };
    // A failure is told by the test that waits for it.
    for (const { promise } of outcomes.values()) promise.catch(() => undefined);
    void Promise.all([lane(), lane(), lane()]);
  });

  for (const name of Object.keys(cases))
    it(`is complete and proven ${name}`, async () => {
      const outcome = outcomes.get(name) ?? assert.fail(`nothing was run for ${name}`);
      await outcome.promise;
    });
});

const backUpAndProve = async ({ kind, prepare, parameters, see }: Case): Promise<void> => {
  await using box = await copyOfBox(kind);
  await prepare?.(box);
  const scales = box.scales();
  const run = await box.run('backup-control-plane', parameters);
  assert.equal(run.status, 'completed', run.message);
  for (const { claim, prove } of proofsOf(box, String(run.results['backup-id']), scales))
    assert.ok(await prove(), claim);
  assertNothingRuns(box);
  assertNoSecrets(box, run);
  assert.deepEqual(box.controller.violations, []);
  see?.(box, run);
};
