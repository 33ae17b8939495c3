import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/adapters/clock.ts';
import { openExporter } from '../../src/adapters/exporter/exporter.ts';
import { metricsPort } from '../../src/metrics/databags.ts';
import { newRelation } from '../servers/unit-agent/state.ts';
import { startUnitAgent } from '../servers/unit-agent/unit-agent.ts';
import { relations, unitWith } from './world-of-relations.ts';

const relation = () => newRelation(9, 'metrics-endpoint', 'prometheus', {});

/**
 * The port is the same in every pod, and on this machine somebody else may try it out at the
 * moment.
 */
const portIsFree = async (): Promise<void> => {
  for (;;) {
    const server = createServer().listen(metricsPort);
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('listening', () => {
        resolve(true);
      });
      server.once('error', () => {
        resolve(false);
      });
    });
    if (isFree) {
      server.close();
      await once(server, 'close');
      return;
    }
    await delay(200);
  }
};

describe('the metrics of a unit', () => {
  it('are served from the hook on that brings the relation, and cost update-status no tool', async () => {
    await portIsFree();
    // An application of this name exists once on this machine, as a unit does in its pod.
    const state = unitWith([relations.minio()], {
      application: `ckf-backup-${process.pid}`,
    });
    await using agent = await startUnitAgent({ state });
    const exporter = openExporter({
      ...{ unit: `ckf-backup-${process.pid}/0`, clock: systemClock, file: async () => undefined },
      ...{ node: '', script: '', revision: '', port: metricsPort, path: '' },
    });
    try {
      await agent.attachStorage('journal');
      await agent.dispatch({ hook: 'config-changed' });
      const before = await agent.dispatch({ hook: 'update-status' });
      state.relations.push(relation());
      await agent.dispatch({ hook: 'metrics-endpoint-relation-created', relation: 9 });
      const reply = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
      assert.match(await reply.text(), /^ckf_backup_info\{version=".+",leader="true"\} 1$/m);
      const written = state.relations.at(-1) ?? assert.fail();
      assert.equal(written.localUnitData['prometheus_scrape_unit_address'], '10.1.0.1');
      assert.match(written.localApplicationData['alert_rules'] ?? '', /CkfBackupMissing/);

      const after = await agent.dispatch({ hook: 'update-status' });
      const tools = ({ calls }: typeof after) => calls.map(({ tool }) => tool).sort();
      assert.deepEqual(tools(after), tools(before));

      state.relations.pop();
      await agent.dispatch({ hook: 'config-changed' });
      await assert.rejects(fetch(`http://127.0.0.1:${metricsPort}/metrics`));
    } finally {
      await exporter.stop();
    }
  });
});
