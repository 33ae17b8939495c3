import assert from 'node:assert/strict';
import { openJujuModel } from '../../../src/adapters/juju/juju-model.ts';
import { itIsAJujuModel } from '../../contracts/juju-model.ts';
import { createFakeJujuModel } from '../../fakes/juju-model.ts';
import { FastClock } from '../../fakes/fast-clock.ts';
import { type JujuController, startJujuController } from '../../servers/juju/controller.ts';

describe('the Juju model in memory', () => {
  itIsAJujuModel(async (model, access) => createFakeJujuModel(model, { access }));
});

for (const line of ['3.4', '3.6', '4.0'] as const)
  describe(`the Juju model over the API of a controller of Juju ${line}`, () => {
    const controllers: JujuController[] = [];

    afterEach(async () => {
      for (const controller of controllers.splice(0)) {
        assert.deepEqual(controller.violations, []);
        await controller[Symbol.asyncDispose]();
      }
    });

    itIsAJujuModel(async (model, access) => {
      const controller = await startJujuController({
        model,
        line,
        users: { 'ckf-backup': { password: 'correct horse', access } },
      });
      controllers.push(controller);
      return openJujuModel({
        endpoints: [controller.endpoint],
        ca: controller.ca,
        username: 'ckf-backup',
        password: 'correct horse',
        secret: 'secret:d3n8r2e5kg0c73fhvb10',
        hurry: undefined,
        model: model.state,
        clock: new FastClock(),
      });
    });
  });
