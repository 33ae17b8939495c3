import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { textOf } from '../checkout/checkout.ts';
import type { Box } from '../sandbox/box.ts';
import type { Model } from '../sandbox/model.ts';

/** The commands of a section of docs/restore.md, block by block. */
export const commandsOf = (heading: string): readonly string[] => {
  const [, section = ''] = textOf('docs/restore.md').split(`\n${heading}\n`);
  const [own = ''] = section.split(/\n##+ /);
  return [...own.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, text = '']) => text);
};

/**
 * An operator's shell, with the programs of this machine, and stand-ins for the two that would
 * speak to a real Juju and Kubernetes: `juju scale-application` and `juju run` do what they say to
 * the model in the box.
 */
export interface Shell extends AsyncDisposable {
  /** Runs commands as they are; rejects with all that they said when one fails. */
  run(commands: string): Promise<string>;
  /** The commands that `juju` was given, in order. */
  juju(): readonly string[];
}

export const openShell = async ({ mlmd, model }: Box, directory: string): Promise<Shell> => {
  const programs = join(directory, 'bin');
  mkdirSync(programs, { recursive: true });
  const given: string[] = [];
  const server = createServer((request, response) => {
    const answer = async (): Promise<string> => {
      const words = JSON.parse(await text(request)) as readonly string[];
      given.push(words.join(' '));
      return juju(model, words);
    };
    answer().then(
      (said) => response.end(said),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const standIn = (name: string, text: string): void => {
    writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(programs, name), 0o755);
  };
  const client = join(directory, 'juju.mjs');
  writeFileSync(
    client,
    `const answer = await fetch(${JSON.stringify(urlOf(server))}, { method: 'POST', body: JSON.stringify(process.argv.slice(2)) });
console.log(await answer.text());
process.exit(answer.ok ? 0 : 1);`,
  );
  standIn('juju', `exec '${process.execPath}' '${client}' "$@"`);
  // The container's volume is a directory of ours, and what runs in it runs here.
  standIn(
    'kubectl',
    `while [ "$1" != -- ]; do shift; done; shift
command=$(printf '%s' "$3" | sed "s|/data|${join(mlmd.file, '..')}|g")
exec "$1" "$2" "$command"`,
  );
  return {
    run: async (commands) => {
      const { stdout } = await promisify(execFile)('sh', ['-eu', '-c', commands], {
        cwd: directory,
        env: {
          PATH: `${programs}:${process.env['PATH'] ?? ''}`,
          HOME: directory,
          RCLONE_CONFIG: join(directory, 'rclone.conf'),
        },
      });
      return stdout;
    },
    juju: () => given,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
};

const urlOf = (server: Server): string => {
  const address = server.address();
  return typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : '';
};

/** An operator waits for what a command does to have happened. */
const juju = async (
  model: Model,
  [command, target = '', ...words]: readonly string[],
): Promise<string> => {
  if (command === 'scale-application') {
    model.setScale(target, Number(words[0]));
    await model.until(
      ({ applications }) => applications[target]?.units.length === Number(words[0]),
    );
    return '';
  }
  const [action = '', ...parameters] = words.filter((word) => !word.startsWith('--'));
  const pairs = parameters.map((pair) => pair.split('=') as [string, string]);
  const { id } = model.enqueue(target, action, Object.fromEntries(pairs));
  const { status, message, output } = await model.ended(id);
  return `${status} ${message}\n${JSON.stringify(output)}`;
};
