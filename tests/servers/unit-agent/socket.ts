import { type Server, createServer } from 'node:net';
import { once } from 'node:events';
import type { HookContext } from './context.ts';
import { ToolError } from './arguments.ts';
import { WantsStdin } from './tool.ts';
import { tools } from './tools.ts';

interface Request {
  readonly contextId: string;
  readonly tool: string;
  readonly arguments: readonly string[];
  readonly stdin?: string;
}

interface Reply {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly wantsStdin: boolean;
}

/** One command line of a hook tool, as the charm gave it, with what it answered. */
export interface RecordedCall {
  readonly tool: string;
  readonly arguments: readonly string[];
  readonly exitCode: number;
}

/**
 * Answers the hook tools' processes on a unix socket, for as long as the context that they name is
 * the running one.
 */
export const listenForTools = async (
  path: string,
  current: () => HookContext | undefined,
  record: (call: RecordedCall) => void,
): Promise<Server> => {
  // A tool may have died with the charm while its answer was on the way; that is nobody's failure.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    socket.on('error', () => socket.destroy());
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('end', () => {
      const request = parseRequest(text);
      const { exitCode, wantsStdin, stdout, stderr } = answer(request, current());
      if (!wantsStdin) record({ tool: request.tool, arguments: request.arguments, exitCode });
      socket.end([exitCode, wantsStdin ? '1' : '', stdout, stderr].join('\0'));
    });
  });
  server.listen(path);
  await once(server, 'listening');
  return server;
};

/**
 * What unit-agent-hook-tool sends: texts with a NUL between, which no argument can hold; stdin
 * comes last.
 */
const parseRequest = (text: string): Request => {
  const [contextId = '', tool = '', count = '0', ...rest] = text.split('\0');
  const stdin = rest.slice(Number(count));
  return {
    contextId,
    tool,
    arguments: rest.slice(0, Number(count)),
    ...(stdin.length === 0 ? {} : { stdin: stdin.join('\0') }),
  };
};

const answer = (request: Request, context: HookContext | undefined): Reply => {
  const failure = (exitCode: number, message: string): Reply => ({
    exitCode,
    wantsStdin: false,
    stdout: '',
    stderr: `ERROR ${message}\n`,
  });
  if (context === undefined || context.id !== request.contextId)
    return failure(1, `wrong context ID; got ${JSON.stringify(request.contextId)}`);
  const tool = tools[request.tool];
  if (tool === undefined) return failure(1, `unknown command: ${request.tool}`);
  const fault = context.seen.toolFailures?.[request.tool];
  if (fault !== undefined) return failure(1, fault);
  try {
    const stdout = tool({
      context,
      argv: request.arguments,
      stdin() {
        if (request.stdin === undefined) throw new WantsStdin();
        return request.stdin;
      },
    });
    return { exitCode: 0, wantsStdin: false, stdout, stderr: '' };
  } catch (error) {
    if (error instanceof WantsStdin)
      return { exitCode: 0, wantsStdin: true, stdout: '', stderr: '' };
    if (error instanceof ToolError) return failure(error.exitCode, error.message);
    return failure(3, `panic: ${String(error)}`);
  }
};

/**
 * The line that an operator sees of a call: what went to the action's log, or the unit's new
 * status.
 */
export const progressOf = ({ tool, arguments: argv }: RecordedCall): string | undefined => {
  const words = argv.filter((argument) => argument !== '--');
  if (tool === 'action-log') return words.join(' ');
  if (tool === 'status-set' && !argv.includes('--application')) return `[${words.join('] ')}`;
  return undefined;
};
