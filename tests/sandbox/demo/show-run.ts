import type { ActionRun } from '../box/actions.ts';

/** The end of `juju run`: the results as YAML, or why the action failed. */
export const runText = ({ status, message, results, id }: ActionRun): string => {
  const lines = Object.entries(results)
    .filter(([key]) => key !== 'return-code')
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const outcome =
    status === 'completed'
      ? []
      : [`Action id ${id} failed: ${message}`, ...(lines.length ? [''] : [])];
  return [...outcome, ...lines].join('\n');
};
