import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CharmError } from '../../errors.ts';
import { says } from '../../wordings.ts';
import type { Databag, HookTools } from '../../world.ts';
import { parseDatabag, parseJson, parseRecord } from './output.ts';
import { HookToolError, type RunTool } from './run-tool.ts';

type SecretTools = Pick<
  HookTools,
  'secret' | 'ownSecret' | 'grantSecret' | 'removeSecret' | 'setAlarm'
>;

/**
 * The part of the hook tools that deals with secrets. Their content never stands on a command line.
 * Their names come after `--`, because another charm writes them into its databag.
 */
export const createSecretTools = (run: RunTool, scratch: string): SecretTools => ({
  secret: async (id) => {
    try {
      return await read(run, id, '--refresh');
    } catch (cause) {
      throw explained(id, cause);
    }
  },
  ownSecret: async (label, content) => {
    const id = await ownId(run, label);
    if (id === undefined)
      return withFiles(scratch, content, async (argv) =>
        (await run('secret-add', ['--label', label, ...argv])).trim(),
      );
    if (!isDeepStrictEqual(await read(run, id, '--peek'), content))
      await withFiles(scratch, content, (argv) => run('secret-set', ['--', id, ...argv]));
    return id;
  },
  grantSecret: async (id, relationId) => {
    await run('secret-grant', ['-r', relationId, '--', id]);
  },
  removeSecret: (id, revision) => remove(run, id, revision),
  setAlarm: async (label, at) => {
    const id = await ownId(run, label);
    if (at === undefined) {
      if (id !== undefined) await remove(run, id);
      return;
    }
    const expire = ['--expire', `${at.toISOString().slice(0, 19)}Z`];
    // Without content this moves the expiry of the newest revision and makes no new one (Juju 3.6,
    // state/secrets.go).
    if (id !== undefined) await run('secret-set', [...expire, '--', id]);
    else
      await run('secret-add', [
        ...['--label', label, ...expire],
        ...['--description', 'The timer of the next backup. It holds no secret.'],
        'purpose=timer',
      ]);
  },
});

const remove = async (run: RunTool, id: string, revision?: number): Promise<void> => {
  const which = revision === undefined ? [] : ['--revision', String(revision)];
  try {
    await run('secret-remove', [...which, '--', id]);
  } catch (error) {
    if (!(error instanceof HookToolError && says(error.reason, 'secretUnknown'))) throw error;
  }
};

const read = async (run: RunTool, id: string, how: '--refresh' | '--peek'): Promise<Databag> =>
  parseDatabag(
    'secret-get',
    parseJson('secret-get', await run('secret-get', [how, '--format=json', '--', id])),
  );

/**
 * Tells a secret that we may not read from one that does not exist. Any other failure stays as Juju
 * said it.
 */
const explained = (id: string, cause: unknown): unknown => {
  if (!(cause instanceof HookToolError)) return cause;
  if (says(cause.reason, 'secretDenied'))
    return new CharmError(
      'juju-credentials-not-granted',
      `Juju does not let this application read the secret ${id}.`,
      { cause },
    );
  if (cause.isMisunderstood || says(cause.reason, 'secretUnknown'))
    return new CharmError('juju-credentials-missing', `There is no secret ${id} in this model.`, {
      cause,
    });
  return cause;
};

const ownId = async (run: RunTool, label: string): Promise<string | undefined> => {
  try {
    const argv = ['--label', label, '--format=json'];
    const output = parseJson('secret-info-get', await run('secret-info-get', argv));
    const [id] = Object.keys(parseRecord('secret-info-get', output));
    return id === undefined ? undefined : `secret:${id}`;
  } catch (error) {
    if (error instanceof HookToolError && says(error.reason, 'secretUnknown')) return undefined;
    throw error;
  }
};

/** `key#file=/path` for each value; the agent, in the same container, reads the files. */
const withFiles = async <T>(
  scratch: string,
  content: Databag,
  use: (argv: readonly string[]) => Promise<T>,
): Promise<T> => {
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const directory = await mkdtemp(join(scratch, 'secret-'));
  try {
    const argv: string[] = [];
    for (const [key, value] of Object.entries(content)) {
      const path = join(directory, key);
      await writeFile(path, value, { mode: 0o600 });
      argv.push(`${key}#file=${path}`);
    }
    return await use(argv);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
