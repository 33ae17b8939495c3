import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { openJujuModel, type JujuModelOptions } from '../../src/adapters/juju/juju-model.ts';
import type { JujuModel } from '../../src/world.ts';
import { FastClock } from '../fakes/fast-clock.ts';
import type { ActionHandler } from '../sandbox/model-core.ts';
import { type Model, createModel } from '../sandbox/model.ts';
import { type JujuController, startJujuController } from '../servers/juju/controller.ts';
import type { JujuLine } from '../servers/juju/release.ts';
import type { JujuUser } from '../servers/juju/users.ts';

export const password = 'correct horse battery staple';

/**
 * A controller of a model with kfp-db, and a way in. Ends with the test; a message that Juju would
 * not know fails it.
 */
export interface JujuRig extends AsyncDisposable {
  readonly model: Model;
  readonly controller: JujuController;
  readonly clock: FastClock;
  /** Looks every few milliseconds, for what nobody tells us. */
  readonly until: (condition: () => boolean) => Promise<void>;
  readonly open: (options?: Partial<JujuModelOptions>) => Promise<JujuModel>;
}

export const openJujuRig = async (
  users: Readonly<Record<string, JujuUser>> = {},
  line: JujuLine = '3.6',
): Promise<JujuRig> => {
  const model = createModel({ name: 'kubeflow', pace: 1, line });
  model.addApplication({
    name: 'kfp-db',
    charm: 'mysql-k8s',
    actions: { 'create-backup': backUp, 'list-backups': backUp },
  });
  const controller = await startJujuController({
    model,
    line,
    users: { 'ckf-backup': { password, access: 'write' }, ...users },
  });
  const clock = new FastClock();
  const opened: JujuModel[] = [];
  return {
    model,
    controller,
    clock,
    async until(condition) {
      for (let looks = 0; !condition(); looks++) {
        assert.ok(looks < 2000, 'it never came about');
        await delay(2);
      }
    },
    async open(options) {
      const juju = await openJujuModel({
        endpoints: [controller.endpoint],
        ca: controller.ca,
        username: 'ckf-backup',
        password,
        secret: 'secret:d3n8r2e5kg0c73fhvb10',
        hurry: undefined,
        model: model.state,
        clock,
        ...options,
      });
      opened.push(juju);
      return juju;
    },
    async [Symbol.asyncDispose]() {
      for (const juju of opened) await juju[Symbol.asyncDispose]();
      await controller[Symbol.asyncDispose]();
      model.stop();
      assert.deepEqual(controller.violations, []);
    },
  };
};

const backUp: ActionHandler = async ({ unit }) => ({ results: { 'backup-id': unit } });
