import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How far a unit is set up. */
export type Setup = 'bare' | 'related' | 'scheduled';

/** A shell's `case`: what the tool prints for each word among its arguments, and otherwise. */
type Answers = readonly (readonly [word: string, answer: unknown])[];

const endpoints = ['s3-credentials', 'object-storage', 'kfp-db', 'katib-db', 'ckf-backup-peers'];

const s3 = {
  bucket: 'backups',
  'access-key': 'key',
  'secret-key': 'secret',
  endpoint: 'https://s3',
};
const minio = [
  ...['access-key: minio', 'secret-key: minio123', 'secure: "False"'],
  ...['service: minio', 'namespace: kubeflow', 'port: "9000"'],
].join('\n');

const schedule = '0 2 * * *';

/** What a hook has written that set the alarm, so that the next has nothing to do. */
const memoryOf = (now: Date): string => {
  const wake = new Date(now);
  wake.setUTCHours(2, 0, 0, 0);
  if (wake <= now) wake.setUTCDate(wake.getUTCDate() + 1);
  return JSON.stringify({ options: `${schedule} | UTC | `, accounted: now, wake });
};

const optionsOf = (setup: Setup) => ({
  ...{ components: 'kfp-db,katib-db,mlmd,mlpipeline', transfers: 16 },
  ...(setup !== 'bare' && { 'juju-credentials': 'secret:9m4e2mr0ui3e8a215n4g' }),
  ...(setup === 'scheduled' && { schedule }),
});

const answersOf = (setup: Setup, journal: string): Readonly<Record<string, Answers>> => ({
  'config-get': [['*', optionsOf(setup)]],
  'is-leader': [['*', true]],
  'credential-get': [['*', {}]],
  'relation-ids': [
    ...(setup === 'bare' ? [] : endpoints.map((name) => [name, [`${name}:1`]] as const)),
    ['*', []],
  ],
  'relation-list': [['*', 'other']],
  'relation-get': [
    ['s3-credentials:1', s3],
    ['object-storage:1', { data: minio }],
    ['ckf-backup-peers:1', setup === 'scheduled' ? { schedule: memoryOf(new Date()) } : {}],
    ['*', {}],
  ],
  'relation-set': [['*', '']],
  'secret-get': [['*', { username: 'ckf-backup', password: 'secret' }]],
  'secret-info-get': [['*', {}]],
  'secret-add': [['*', 'secret:9m4e2mr0ui3e8a215n50']],
  'secret-grant': [['*', '']],
  'storage-list': [['*', setup === 'bare' ? [] : ['journal/0']]],
  'storage-get': [['*', journal]],
  'juju-log': [['*', '']],
});

/**
 * Writes hook tools as shell scripts, which answer as Juju does for a unit that is set up so far,
 * and returns their directory.
 *
 * @param before what each of them does first, such as `sleep 0.015`
 */
export const writeHookTools = async (
  directory: string,
  setup: Setup,
  before: string,
): Promise<string> => {
  const [tools, journal] = [join(directory, 'tools'), join(directory, 'journal')];
  await mkdir(tools, { recursive: true });
  await mkdir(journal);
  for (const [tool, answers] of Object.entries(answersOf(setup, journal))) {
    const cases = answers.map(
      ([word, answer]) => `*${word}*) printf '%s\\n' '${textOf(answer)}' ;;`,
    );
    const script = ['#!/bin/sh', before, 'case "$*" in', ...cases, 'esac', ''].join('\n');
    await writeFile(join(tools, tool), script, { mode: 0o755 });
  }
  // Unlike the others these two remember: what is shown already is not set again.
  const status = join(directory, 'status.json');
  await writeFile(status, '{"status":"active","message":"Ready; no backup is known yet"}');
  const set = `while [ "$1" != -- ]; do shift; done; printf '{"status":"%s","message":"%s"}' "$2" "$3" > ${status}`;
  for (const [tool, work] of [
    ['status-get', `cat ${status}`] as const,
    ['status-set', set] as const,
  ])
    await writeFile(join(tools, tool), ['#!/bin/sh', before, work, ''].join('\n'), { mode: 0o755 });
  return tools;
};

const textOf = (answer: unknown): string => (answer === '' ? '' : JSON.stringify(answer));
