import { printable } from '../../text.ts';
import { says, saysUntrusted } from '../../wordings.ts';
import type { Databag, HookTools } from '../../world.ts';
import type { Redaction } from '../redaction.ts';
import { readCloudCredential, parseJson, parseRecord, parseStrings } from './output.ts';
import { type AskTool, createRelationTools } from './relations.ts';
import { type Environment, HookToolError, createRunTool } from './run-tool.ts';
import { createSecretTools } from './secrets.ts';

/*
 * This folder runs Juju's hook tools, the programs by which a charm speaks to its unit agent.
 */

/** The kernel takes 131,071 bytes as one argument; a code point has at most four. */
const longestArgument = 30_000;
const longestStatus = 1_000;
/** The values of these keys are secrets, to be hidden in every text. */
const secretKey = /password|secret-key|private-key|token/;

/**
 * Juju's hook tools, as processes. Free text goes after `--`. Databags go through stdin, because
 * Juju trims arguments. The content of secrets goes through files. Every text that an operator may
 * see goes through the redaction, without control characters.
 *
 * @param scratch a directory for the files that secret-add reads
 */
export const openHookTools = (
  environment: Environment,
  redaction: Redaction,
  scratch: string,
): HookTools => {
  const run = createRunTool(environment);
  const json: AskTool = async (tool, ...argv) =>
    parseJson(tool, await run(tool, [...argv, '--format=json']));
  const shown = (text: string): string => printable(redaction.redact(text));
  const words = (text: string, limit = longestArgument): string =>
    pieces(shown(text), limit)[0] ?? '';

  const secrets = createSecretTools(run, scratch);
  const hiding = (databag: Databag): Databag => {
    for (const [key, value] of Object.entries(databag))
      if (secretKey.test(key)) redaction.hide(value);
    return databag;
  };

  return {
    ...secrets,
    ...createRelationTools({ run, json, hiding }),
    secret: async (id) => hiding(await secrets.secret(id)),
    actionParameters: async () => parseRecord('action-get', await json('action-get')),
    actionLog: async (message) => {
      await run('action-log', ['--', words(message)]);
    },
    actionSet: async (results) => {
      const pairs = Object.entries(results).map(([key, value]) => `${key}=${words(value)}`);
      if (pairs.length > 0) await run('action-set', ['--', ...pairs]);
    },
    actionFail: async (message) => {
      await run('action-fail', ['--', words(message)]);
    },

    config: async () => parseRecord('config-get', await json('config-get')),
    isLeader: async () => (await json('is-leader')) === true,
    setStatus: async ({ name, message }, of) => {
      const flags = of === 'application' ? ['--application'] : [];
      await run('status-set', [...flags, '--', name, words(message, longestStatus)]);
    },
    unitStatus: async () => {
      const shown = parseRecord('status-get', await json('status-get', '--include-data'));
      const text = (key: string): string => (typeof shown[key] === 'string' ? shown[key] : '');
      return { name: text('status') || 'unknown', message: text('message') };
    },
    setWorkloadVersion: async (version) => {
      await run('application-version-set', ['--', version]);
    },
    log: async (level, message) => {
      for (const piece of pieces(shown(message), longestArgument))
        await run('juju-log', ['-l', level, '--', piece]);
    },

    storageLocation: async (name) => {
      const [id] = parseStrings('storage-list', await json('storage-list', name));
      if (id === undefined) return undefined;
      const location = await unlessNotMounted(json('storage-get', '-s', id, 'location'));
      return typeof location === 'string' && location !== '' ? location : undefined;
    },
    cloudCredential: async () => {
      const credential = readCloudCredential(await unlessRefused(json('credential-get')));
      if (credential !== undefined) redaction.hide(credential.token);
      return credential;
    },
    isTrusted: async () => {
      const answer = await unlessRefused(json('credential-get'));
      if (answer instanceof HookToolError) return saysUntrusted(answer.reason) ? false : undefined;
      return readCloudCredential(answer) === undefined ? undefined : true;
    },
  };
};

/** Without NUL, which no argument can hold, and in pieces that fit into an argument. */
const pieces = (text: string, limit: number): readonly string[] =>
  text.replaceAll('\0', '').match(new RegExp(`[^]{1,${limit}}`, 'gu')) ?? [];

/** Before Juju 3.6.11 credential-get refuses on Kubernetes even when we are trusted. */
const unlessRefused = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    return await work;
  } catch (error) {
    if (error instanceof HookToolError) return error;
    throw error;
  }
};

/** Juju lists a storage before it has mounted it, and while it takes it away. */
const unlessNotMounted = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    return await work;
  } catch (error) {
    if (error instanceof HookToolError && says(error.reason, 'storageNotMounted')) return undefined;
    throw error;
  }
};
