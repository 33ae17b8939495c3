import { type ChildProcess, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { CharmError } from '../../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Runs one hook tool and resolves with what it printed on stdout; rejects with a HookToolError. */
export type RunTool = (tool: string, argv: readonly string[], stdin?: string) => Promise<string>;

const longestReason = 250;

/**
 * A hook tool failed, with Juju's own words: it exits 2 for the command line, 1 for the rest. Words that the charm does not
 * know must not fail a hook, so this is an expected failure that a status can tell.
 */
export class HookToolError extends CharmError {
  readonly reason: string;
  /** What it was asked for makes no sense to it, whatever the state of the model. */
  readonly isMisunderstood: boolean;

  constructor(tool: string, ending: string, stderr: string) {
    const reason = stderr.trim().replace(/^ERROR /, '');
    const [line = ''] = reason.split('\n');
    super(
      'juju-tool-failed',
      `Juju's ${tool} failed with ${ending}: ${line.slice(0, longestReason)}. The next hook tries again; juju debug-log tells more.`,
    );
    this.name = 'HookToolError';
    this.reason = reason;
    this.isMisunderstood = ending === 'exit status 2';
  }
}

/**
 * Hook tools are small, short and many, and they run in every hook, so they are started by Node itself: with execa an
 * update-status took a third longer (docs/adr/0007).
 */
export const createRunTool =
  (environment: Environment): RunTool =>
  async (tool, argv, stdin) => {
    const child = spawn(tool, argv, {
      env: environment,
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    // A tool that fails before it has read everything closes the pipe; its exit status tells why.
    child.stdin?.on('error', () => undefined).end(stdin);
    const [ending, stdout, stderr] = await Promise.all([
      endOf(child),
      child.stdout ? text(child.stdout) : '',
      child.stderr ? text(child.stderr) : '',
    ]);
    if (ending !== 'exit status 0') throw new HookToolError(tool, ending, stderr);
    return stdout;
  };

const endOf = async (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (exitCode, signal) => {
      resolve(exitCode === null ? `signal ${signal ?? ''}` : `exit status ${exitCode}`);
    });
  });
