import { Agent, request } from 'undici';
import { CharmError } from '../errors.ts';
import type { LogLine, RunLog } from '../world.ts';

interface LokiOptions {
  /** The addresses to push to, as interface `loki_push_api` gives them. */
  readonly urls: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Takes secrets out of what is sent. */
  readonly redact: (text: string) => string;
  /** Milliseconds that one of them may take. */
  readonly patience?: number;
}

/**
 * Pushes lines to Loki, side by side to all who collect
 * (https://grafana.com/docs/loki/latest/reference/loki-http-api). What one does not take in time is
 * not sent again. It fails only when none took it: Juju lists a unit that has gone for minutes.
 */
export const openLoki = ({ urls, labels, redact, patience = 2000 }: LokiOptions): RunLog => ({
  send: async (lines) => {
    if (lines.length === 0 || urls.length === 0) return;
    const body = JSON.stringify({ streams: [{ stream: labels, values: valuesOf(lines, redact) }] });
    const agent = new Agent();
    try {
      const answers = await Promise.all(urls.map((url) => push(url, agent, body, patience)));
      const [refused] = answers;
      if (refused !== undefined && !answers.includes('taken')) throw unsent(refused);
    } finally {
      await agent.destroy();
    }
  },
});

/** Nanoseconds; lines of one millisecond keep their order. */
const valuesOf = (lines: readonly LogLine[], redact: (text: string) => string) =>
  lines.map(({ at, text }, index) => [
    `${at.getTime()}${String(index % 1_000_000).padStart(6, '0')}`,
    redact(text),
  ]);

/** `taken`, or why not. */
const push = async (
  url: string,
  dispatcher: Agent,
  body: string,
  patience: number,
): Promise<string> => {
  try {
    const reply = await request(url, {
      ...{ method: 'POST', dispatcher, body, signal: AbortSignal.timeout(patience) },
      headers: { 'content-type': 'application/json' },
    });
    reply.body.on('error', () => undefined).destroy();
    const { statusCode } = reply;
    return statusCode >= 200 && statusCode < 300 ? 'taken' : `status ${statusCode}`;
  } catch (error) {
    return error instanceof Error && error.name === 'TimeoutError' ? 'no answer' : 'no connection';
  }
};

const unsent = (why: string): CharmError =>
  new CharmError(
    'run-log-unsent',
    `What this run says could not be sent to Loki (${why}). The run does not depend on it, and juju show-task and show-session have it.`,
  );
