import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { CharmError } from '../../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Runs one hook tool and resolves with what it printed on stdout; rejects with a HookToolError. */
export type RunTool = (tool: string, argv: readonly string[], stdin?: string) => Promise<string>;

const longestReason = 250;

/**
 * A hook tool failed, with what Juju said. It exits 2 for a wrong command line and 1 for everything
 * else. A refusal that the charm does not know must not make a hook fail, so this is an expected
 * failure that a status can tell.
 */
export class HookToolError extends CharmError {
  readonly reason: string;
  /** The command line was wrong, whatever the state of the model. */
  readonly isMisunderstood: boolean;

  constructor(tool: string, ending: string, stderr: string) {
    const reason = stderr.trim().replace(/^ERROR /, '');
    const [line = ''] = reason.split('\n');
    super(
      'juju-tool-failed',
      `Juju's ${tool} failed with ${ending}: ${line.slice(0, longestReason)}. The next hook tries again; juju debug-log tells more.`,
      { brief: { what: `Juju's ${tool} failed`, run: 'juju debug-log' } },
    );
    this.name = 'HookToolError';
    this.reason = reason;
    this.isMisunderstood = ending === 'exit status 2';
  }
}

/** Runs hook tools without a shell. Calls may overlap. */
export const createRunTool =
  (environment: Environment): RunTool =>
  async (tool, argv, stdin) => {
    const child = execa(tool, argv, {
      env: environment,
      extendEnv: false,
      ...(stdin === undefined ? { stdin: 'ignore' } : { input: stdin }),
      reject: false,
      // Tools are many and say little: to read it here takes a hook 3 to 6 % less CPU.
      buffer: false,
      // The tools end by themselves. Ending them together with us would change how a signal ends
      // us.
      cleanup: false,
    });
    const [result, stdout, stderr] = await Promise.all([
      child,
      text(child.stdout),
      text(child.stderr),
    ]);
    if (!result.failed) return stdout;
    const { exitCode, signal, cause } = result;
    if (exitCode === undefined && signal === undefined)
      throw cause instanceof Error ? cause : new Error(`Juju's ${tool} could not be started.`);
    const ending = exitCode === undefined ? `signal ${signal ?? ''}` : `exit status ${exitCode}`;
    throw new HookToolError(tool, ending, stderr);
  };
