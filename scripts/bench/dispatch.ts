/*
 * What `update-status` costs with nothing to do, against the same Node running an empty program: in
 * time and in CPU with shell scripts as hook tools, and in time with tools that take 15 ms each, as
 * Juju's do. A unit is measured as it is deployed, with its options and relations, and with a
 * schedule too. All are measured in turns, so that a busy machine slows all.
 *
 * npm run bench:dispatch -- . /path/to/another/checkout   compares builds
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execaSync } from 'execa';
import { type Setup, writeHookTools } from './hook-tools.ts';

const rounds = 20;
const setups: readonly Setup[] = ['bare', 'related', 'scheduled'];
const charms = (process.argv.length > 2 ? process.argv.slice(2) : ['.']).map((path) =>
  resolve(path),
);

/** Milliseconds of each run. */
interface Cost {
  readonly wall: number[];
  readonly cpu: number[];
}

/** Runs a program and adds what it and its children took: the shell knows when they have ended. */
const measure = (cost: Cost, argv: readonly string[], env: Record<string, string>): void => {
  const start = performance.now();
  const { stdout } = execaSync('bash', ['-c', '"$@" > /dev/null; times', 'bash', ...argv], {
    env,
    extendEnv: false,
  });
  cost.wall.push(performance.now() - start);
  const [, user = 0, system = 0] = stdout
    .split('\n')
    .flatMap((line) => [...line.matchAll(/(\d+)m([\d.]+)s/g)])
    .map(([, minutes, seconds]) => Number(minutes) * 60_000 + Number(seconds) * 1000)
    .slice(1);
  cost.cpu.push(user + system);
};

const median = (times: readonly number[]): string =>
  (times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN).toFixed(0);

const directory = await mkdtemp(join(tmpdir(), 'bench-'));
try {
  const empty = join(directory, 'empty.js');
  await writeFile(empty, '');
  const environment = (charm: string, tools: string) => ({
    JUJU_CHARM_DIR: charm,
    JUJU_DISPATCH_PATH: 'hooks/update-status',
    JUJU_UNIT_NAME: 'ckf-backup/0',
    JUJU_MODEL_NAME: 'kubeflow',
    JUJU_MODEL_UUID: '2b2bd4f4-3f0a-4c5e-8a8d-0a9d6b8a2c11',
    JUJU_CONTEXT_ID: 'ckf-backup/0-update-status-0',
    PATH: `${tools}:/usr/bin:/bin`,
  });
  const costs = [];
  for (const [index, charm] of charms.entries())
    for (const setup of setups) {
      const place = join(directory, `${index}-${setup}`);
      const quick = await writeHookTools(join(place, 'quick'), setup, '');
      const slow = await writeHookTools(join(place, 'slow'), setup, 'sleep 0.015');
      costs.push({ charm, setup, tools: { quick, slow }, quick: newCost(), slow: newCost() });
    }
  const node = newCost();
  for (let round = 0; round < rounds; round++) {
    for (const { charm, tools, quick, slow } of costs) {
      measure(quick, [join(charm, 'dispatch')], environment(charm, tools.quick));
      measure(slow, [join(charm, 'dispatch')], environment(charm, tools.slow));
    }
    measure(node, [join(charms[0] ?? '.', 'node_modules/.bin/node'), empty], {});
  }
  console.log(
    `medians of ${rounds}; an empty program takes ${median(node.wall)} ms, CPU ${median(node.cpu)} ms`,
  );
  for (const { charm, setup, quick, slow } of costs)
    console.log(
      `${charm}, ${setup}: ${median(quick.wall)} ms, CPU ${median(quick.cpu)} ms, with tools of 15 ms each ${median(slow.wall)} ms`,
    );
} finally {
  await rm(directory, { recursive: true, force: true });
}

function newCost(): Cost {
  return { wall: [], cpu: [] };
}
