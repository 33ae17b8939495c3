/*
 * How long `update-status` takes with nothing to do and shell scripts as hook tools, against the same Node running an empty program.
 * Both are measured in turns, so that a busy machine slows both.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const rounds = 40;
const charm = resolve(process.argv[2] ?? join(import.meta.dirname, '..', '..'));
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

const directory = await mkdtemp(join(tmpdir(), 'bench-'));
try {
  const tools = join(directory, 'tools');
  await mkdir(tools);
  for (const [name, answer] of Object.entries(answers))
    await writeFile(join(tools, name), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });
  const empty = join(directory, 'empty.js');
  await writeFile(empty, '');
  const environment = {
    PATH: `${tools}:/usr/bin:/bin`,
    JUJU_CHARM_DIR: charm,
    JUJU_DISPATCH_PATH: 'hooks/update-status',
    JUJU_UNIT_NAME: 'ckf-backup/0',
    JUJU_MODEL_NAME: 'kubeflow',
    JUJU_CONTEXT_ID: 'ckf-backup/0-update-status-0',
  };
  const milliseconds = (command: string, argv: readonly string[]): number => {
    const start = performance.now();
    const { status, stderr } = spawnSync(command, argv, { env: environment, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
    return performance.now() - start;
  };
  const node: number[] = [];
  const dispatch: number[] = [];
  for (let round = 0; round < rounds; round++) {
    node.push(milliseconds(join(charm, 'node_modules/.bin/node'), [empty]));
    dispatch.push(milliseconds(join(charm, 'dispatch'), []));
  }
  const median = (times: number[]): number =>
    times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
  const ratio = median(dispatch) / median(node);
  console.log(
    `update-status ${median(dispatch).toFixed(1)} ms, empty program ${median(node).toFixed(1)} ms: ` +
      `${ratio.toFixed(2)} times (medians of ${rounds})`,
  );
} finally {
  await rm(directory, { recursive: true, force: true });
}
