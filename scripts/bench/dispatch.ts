/*
 * What `update-status` costs with nothing to do, against the same Node running an empty program: in
 * time and in CPU with shell scripts as hook tools, and in time with tools that take 15 ms each, as
 * Juju's do. All are measured in turns, so that a busy machine slows all.
 *
 * npm run bench:dispatch -- . /path/to/another/checkout   compares builds
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execaSync } from 'execa';

const rounds = 20;
const charms = (process.argv.length > 2 ? process.argv.slice(2) : ['.']).map((path) =>
  resolve(path),
);
const answers: Readonly<Record<string, string>> = {
  'config-get': '{"components":"kfp-db,katib-db,mlmd,mlpipeline","transfers":16}',
  'is-leader': 'true',
  'credential-get': '{}',
  'relation-ids': '[]',
  'storage-list': '[]',
  'status-get': '{"status":"active"}',
  'status-set': '',
  'juju-log': '',
};

interface Cost {
  readonly wall: number[];
  readonly cpu: number[];
}

/**
 * Runs a program and adds what it and its children took, in milliseconds: the shell knows both when
 * they have ended.
 */
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
  const tools = async (name: string, before: string): Promise<string> => {
    const path = join(directory, name);
    await mkdir(path);
    for (const [tool, answer] of Object.entries(answers))
      await writeFile(join(path, tool), `#!/bin/sh\n${before}echo '${answer}'\n`, { mode: 0o755 });
    return path;
  };
  const [quick, slow] = [await tools('quick', ''), await tools('slow', 'sleep 0.015\n')];
  const empty = join(directory, 'empty.js');
  await writeFile(empty, '');
  const costs = charms.map((charm) => ({
    charm,
    ...{ node: newCost(), quick: newCost(), slow: newCost() },
  }));
  for (let round = 0; round < rounds; round++)
    for (const { charm, ...cost } of costs) {
      const environment = {
        JUJU_CHARM_DIR: charm,
        JUJU_DISPATCH_PATH: 'hooks/update-status',
        JUJU_UNIT_NAME: 'ckf-backup/0',
        JUJU_MODEL_NAME: 'kubeflow',
        JUJU_CONTEXT_ID: 'ckf-backup/0-update-status-0',
      };
      const path = (first: string) => ({ ...environment, PATH: `${first}:/usr/bin:/bin` });
      measure(cost.node, [join(charm, 'node_modules/.bin/node'), empty], path(quick));
      measure(cost.quick, [join(charm, 'dispatch')], path(quick));
      measure(cost.slow, [join(charm, 'dispatch')], path(slow));
    }
  for (const { charm, ...cost } of costs)
    console.log(
      `${charm}: update-status ${median(cost.quick.wall)} ms (CPU ${median(cost.quick.cpu)} ms), ` +
        `with tools of 15 ms ${median(cost.slow.wall)} ms, ` +
        `an empty program ${median(cost.node.wall)} ms (CPU ${median(cost.node.cpu)} ms); medians of ${rounds}`,
    );
} finally {
  await rm(directory, { recursive: true, force: true });
}

function newCost(): Cost {
  return { wall: [], cpu: [] };
}
