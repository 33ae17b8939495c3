import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { freePort } from '../../../tests/servers/network/free-port.ts';

/** One line of a panel: its labels, and its values by time. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [time: number, value: number])[];
}

export interface Prometheus extends AsyncDisposable {
  at(expr: string, time: number): Promise<readonly Series[]>;
  between(
    expr: string,
    range: { readonly start: number; readonly end: number; readonly step: number },
  ): Promise<readonly Series[]>;
}

/** A Prometheus on loopback that knows what this OpenMetrics text says, and scrapes nothing. */
export const startPrometheus = async (text: string): Promise<Prometheus> => {
  const directory = await mkdtemp(join(tmpdir(), 'prometheus-'));
  const [input, data, config] = ['input.txt', 'data', 'empty.yaml'].map((name) =>
    join(directory, name),
  ) as [string, string, string];
  await writeFile(input, text);
  await writeFile(config, 'global: {}\n');
  await execa('promtool', [
    'tsdb',
    'create-blocks-from',
    '--max-block-duration=744h',
    'openmetrics',
    input,
    data,
  ]);
  const port = await freePort();
  const server = execa(
    'prometheus',
    [
      ...[`--config.file=${config}`, `--storage.tsdb.path=${data}`],
      ...[`--web.listen-address=127.0.0.1:${port}`, '--storage.tsdb.retention.time=100y'],
      ...['--query.lookback-delta=4h', '--log.level=error'],
    ],
    { reject: false },
  );
  const ask = async (path: string, query: Readonly<Record<string, string>>): Promise<Series[]> => {
    const url = `http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(query).toString()}`;
    const reply = (await (await fetch(url)).json()) as Reply;
    if (reply.status !== 'success')
      throw new Error(`${query['query'] ?? ''}: ${reply.error ?? ''}`);
    return (reply.data?.result ?? []).map(({ metric, value, values }) => ({
      labels: metric,
      values: (values ?? (value ? [value] : [])).map(([time, number]) => [time, Number(number)]),
    }));
  };
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) await delay(100);
  return {
    at: (query, time) => ask('query', { query, time: String(time) }),
    between: (query, { start, end, step }) =>
      ask('query_range', {
        ...{ query, start: String(start), end: String(end), step: String(step) },
      }),
    [Symbol.asyncDispose]: async () => {
      server.kill();
      await server;
      await rm(directory, { recursive: true, force: true });
    },
  };
};

interface Reply {
  readonly status: string;
  readonly error?: string;
  readonly data?: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value?: readonly [number, string];
      readonly values?: readonly (readonly [number, string])[];
    }[];
  };
}
