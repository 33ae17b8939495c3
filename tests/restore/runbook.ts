import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { textOf } from '../repository.ts';
import type { Box } from '../sandbox/box.ts';

/** The commands of a section of docs/restore.md, block by block. */
export const commandsOf = (heading: string): readonly string[] => {
  const [, section = ''] = textOf('docs/restore.md').split(`\n${heading}\n`);
  const [own = ''] = section.split(/\n##+ /);
  return [...own.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, text = '']) => text);
};

/** An operator's shell, with the programs of this machine, and stand-ins for the two that would speak to a real Juju and Kubernetes. */
export interface Shell {
  /** Runs commands as they are; rejects with all that they said when one fails. */
  run(commands: string): Promise<string>;
  /** The commands that `juju` was given, in order. */
  juju(): readonly string[];
}

export const openShell = ({ mlmd }: Box, directory: string): Shell => {
  const programs = join(directory, 'bin');
  const log = join(directory, 'juju.log');
  mkdirSync(programs, { recursive: true });
  writeFileSync(log, '');
  const standIn = (name: string, text: string): void => {
    writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(programs, name), 0o755);
  };
  standIn('juju', `echo "$*" >> '${log}'`);
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
    juju: () => readFileSync(log, 'utf8').trim().split('\n'),
  };
};

/** Whether this machine has a program. */
export const isInstalled = async (program: string): Promise<boolean> =>
  promisify(execFile)('sh', ['-c', `command -v ${program}`]).then(
    () => true,
    () => false,
  );
