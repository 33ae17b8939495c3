import { CharmError, orProblem } from '../errors.ts';
import type { LogLine, Progress, World } from '../world.ts';

/** How much is kept at most for a collector that does not take it. */
const mostLines = 1000;

/**
 * Runs `work` with a progress that is also sent to the related Loki: at each step what was said
 * until then, and the rest at the end. When it cannot be sent, that is said once, and nothing more
 * is sent: a run does not wait for Loki.
 */
export const sendingLog = async <T>(
  world: World,
  work: (progress: Progress) => Promise<T>,
): Promise<T> => {
  const { progress, clock } = world;
  const log = await orProblem(() => world.openRunLog());
  if (log === undefined) return work(progress);
  let problem = log instanceof CharmError ? log : undefined;
  let lines: LogLine[] = [];
  const keep = (text: string): void => {
    if (problem === undefined && lines.length < mostLines) lines.push({ at: clock.now(), text });
  };
  const flush = async (): Promise<void> => {
    if (problem !== undefined || log instanceof CharmError) return;
    const sent = await orProblem(() => log.send(lines));
    lines = [];
    if (!(sent instanceof CharmError)) return;
    problem = sent;
    await progress.note(sent.message);
  };
  if (problem !== undefined) await progress.note(problem.message);
  try {
    return await work({
      step: async (message) => {
        keep(message);
        await progress.step(message);
        await flush();
      },
      note: async (message) => {
        keep(message);
        await progress.note(message);
      },
    });
  } catch (error) {
    keep(error instanceof CharmError ? `${error.message} [${error.code}]` : 'The run failed.');
    throw error;
  } finally {
    await flush();
  }
};
