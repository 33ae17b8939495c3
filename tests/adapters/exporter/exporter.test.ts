import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../../src/adapters/clock.ts';
import { openExporter } from '../../../src/adapters/exporter/exporter.ts';
import { hasCode } from '../../../src/errors.ts';
import { factsText } from '../../../src/metrics/facts.ts';
import { someFacts } from '../../rigs/metric-facts.ts';
import { freePort } from '../../servers/network/free-port.ts';

const script = join(import.meta.dirname, '../../../src/serve-metrics.ts');
let units = 0;

/** One unit's exporter, as real processes, on a port and a socket that nobody else has. */
const openRig = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'exporter-'));
  const file = join(directory, 'metrics.json');
  await writeFile(file, factsText(someFacts()));
  const unit = `test-${process.pid}-${units++}/0`;
  const port = await freePort();
  const options = {
    ...{ node: process.execPath, script, unit, port, revision: '1' },
    ...{ path: process.env['PATH'] ?? '', clock: systemClock, patience: 60_000 },
    file: async (): Promise<string | undefined> => file,
  };
  const exporter = openExporter(options);
  /** The processes that serve this unit, by what stands on their command lines. */
  const processes = async (): Promise<readonly number[]> => {
    const found: number[] = [];
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (line.split('\0').includes(`ckf-backup/${unit}`)) found.push(Number(pid));
    }
    return found;
  };
  return {
    ...{ file, port, options, exporter, processes },
    only: async (): Promise<number> => {
      const [pid, ...others] = await processes();
      assert.deepEqual(others, []);
      return pid ?? assert.fail('none runs');
    },
    scrape: (path = '/metrics', method = 'GET') =>
      fetch(`http://127.0.0.1:${port}${path}`, { method }),
    [Symbol.asyncDispose]: async () => {
      await exporter.stop();
      for (const pid of await processes()) process.kill(pid, 'SIGKILL');
      await rm(directory, { recursive: true, force: true });
    },
  };
};

const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await delay(20);
};

const startProcess = (rig: Awaited<ReturnType<typeof openRig>>): ChildProcess =>
  spawn(
    process.execPath,
    [script, `ckf-backup/${rig.options.unit}`, `1 ${rig.file}`, String(rig.port), rig.file],
    { stdio: 'ignore' },
  );

describe('the exporter', () => {
  it('serves the facts as text at each scrape, and nothing else', async () => {
    await using rig = await openRig();
    assert.equal(await rig.exporter.ensure(), undefined);
    const first = await rig.scrape();
    assert.match(first.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    assert.match(await first.text(), /^ckf_backup_sets 14$/m);
    await writeFile(rig.file, factsText(someFacts({ sets: { count: 15 } })));
    assert.match(await (await rig.scrape()).text(), /^ckf_backup_sets 15$/m);
    for (const [path, method] of [
      ['/', 'GET'],
      ['/metrics/../etc/passwd', 'GET'],
      ['/metrics', 'POST'],
    ] as const)
      assert.equal((await rig.scrape(path, method)).status, 404);
  });

  it('says 503 while its file is broken or gone, and goes on', async () => {
    await using rig = await openRig();
    await rig.exporter.ensure();
    await writeFile(rig.file, '{"format":1');
    assert.equal((await rig.scrape()).status, 503);
    await rm(rig.file);
    assert.equal((await rig.scrape()).status, 503);
    await writeFile(rig.file, factsText(someFacts()));
    assert.equal((await rig.scrape()).status, 200);
  });

  it('is one, of twelve that are started at once', async () => {
    await using rig = await openRig();
    const started = Array.from({ length: 12 }, () => startProcess(rig));
    const ended = started.map(async (child) => {
      const [code] = (await once(child, 'exit')) as [number | null];
      return code;
    });
    await until(async () => (await rig.processes()).length === 1);
    assert.equal((await rig.scrape()).status, 200);
    const survivor = await rig.only();
    await rig.exporter.stop();
    const codes = await Promise.all(ended);
    assert.deepEqual(codes.toSorted(), [0, ...Array.from({ length: 11 }, () => 17)]);
    assert.ok(started.some(({ pid }) => pid === survivor));
  });

  it('is left alone by later hooks, and one of six hooks at once starts it', async () => {
    await using rig = await openRig();
    await Promise.all(Array.from({ length: 6 }, () => rig.exporter.ensure()));
    await until(async () => (await rig.processes()).length === 1);
    const first = await rig.only();
    for (let hook = 0; hook < 3; hook++) assert.equal(await rig.exporter.ensure(), undefined);
    assert.equal(await rig.only(), first);
  });

  it('comes back after it was killed, whatever it left', async () => {
    await using rig = await openRig();
    await rig.exporter.ensure();
    const first = await rig.only();
    process.kill(first, 'SIGKILL');
    await until(async () => (await rig.processes()).length === 0);
    assert.equal(await rig.exporter.ensure(), undefined);
    assert.notEqual(await rig.only(), first);
    assert.equal((await rig.scrape()).status, 200);
  });

  it('is replaced by one of another revision, and by one of another file', async () => {
    await using rig = await openRig();
    await rig.exporter.ensure();
    const first = await rig.only();
    const newer = openExporter({ ...rig.options, revision: '2' });
    assert.equal(await newer.ensure(), undefined);
    await until(async () => (await rig.processes()).length === 1);
    const second = await rig.only();
    assert.notEqual(second, first);
    const moved = `${rig.file}.moved`;
    await writeFile(moved, factsText(someFacts({ version: 'moved' })));
    const elsewhere = openExporter({ ...rig.options, revision: '2', file: async () => moved });
    assert.equal(await elsewhere.ensure(), undefined);
    assert.match(await (await rig.scrape()).text(), /version="moved"/);
  });

  it('ends when it is asked to, by a signal too, and stopping none is nothing', async () => {
    await using rig = await openRig();
    await rig.exporter.stop();
    await rig.exporter.ensure();
    await rig.exporter.stop();
    await until(async () => (await rig.processes()).length === 0);
    await rig.exporter.stop();
    await rig.exporter.ensure();
    process.kill(await rig.only(), 'SIGTERM');
    await until(async () => (await rig.processes()).length === 0);
  });

  it('is reported, and keeps no process, when the port is taken', async () => {
    await using rig = await openRig();
    const taker = createServer().listen(rig.port);
    await once(taker, 'listening');
    const hasty = openExporter({ ...rig.options, patience: 500 });
    assert.ok(hasCode(await hasty.ensure(), 'exporter-silent'));
    await until(async () => (await rig.processes()).length === 0);
    taker.close();
    await once(taker, 'close');
    assert.equal(await rig.exporter.ensure(), undefined);
  });

  it('is reported when Node cannot be started, and not started without storage', async () => {
    await using rig = await openRig();
    const lame = openExporter({ ...rig.options, node: '/nowhere/node', patience: 100 });
    assert.ok(hasCode(await lame.ensure(), 'exporter-silent'));
    const bare = openExporter({ ...rig.options, file: async () => undefined });
    assert.equal(await bare.ensure(), undefined);
    assert.deepEqual(await rig.processes(), []);
  });

  it('outlives the hook and its process group, keeps no pipe of it, and knows nothing of its environment', async () => {
    await using rig = await openRig();
    const hook = `
      import { openExporter } from ${JSON.stringify(join(import.meta.dirname, '../../../src/adapters/exporter/exporter.ts'))};
      import { systemClock } from ${JSON.stringify(join(import.meta.dirname, '../../../src/adapters/clock.ts'))};
      const { file, ...options } = JSON.parse(process.env.OPTIONS);
      const problem = await openExporter({ ...options, clock: systemClock, file: async () => file }).ensure();
      console.log(problem?.message ?? 'started');
      setInterval(() => undefined, 1000);
    `;
    const { node, script: served, unit, port, revision, path, patience } = rig.options;
    const plain = { node, script: served, unit, port, revision, path, patience };
    const parent = spawn(process.execPath, ['--input-type=module', '-e', hook], {
      ...{ detached: true, stdio: ['ignore', 'pipe', 'inherit'] },
      env: {
        ...{ PATH: process.env['PATH'], JUJU_CONTEXT_ID: 'a-context', PASSWORD: 'a password' },
        OPTIONS: JSON.stringify({ ...plain, file: rig.file }),
      },
    });
    const output = parent.stdout;
    const said: string[] = [];
    output.on('data', (bytes: Buffer) => said.push(bytes.toString()));
    await until(async () => said.length > 0);
    assert.equal(said.join('').trim(), 'started');
    process.kill(-(parent.pid ?? assert.fail()), 'SIGKILL');
    // This is what Juju waits for: nobody has the other end any more.
    await once(output, 'end');
    const pid = await rig.only();
    assert.equal((await rig.scrape()).status, 200);
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    assert.doesNotMatch(environment, /JUJU|password/);
    assert.match(environment, /^PATH=/);
  });

  it('is not kept from ending by somebody who holds a connection', async () => {
    await using rig = await openRig();
    await rig.exporter.ensure();
    const held = await fetch(`http://127.0.0.1:${rig.port}/metrics`);
    await rig.exporter.stop();
    await until(async () => (await rig.processes()).length === 0);
    await held.body?.cancel();
  });
});
