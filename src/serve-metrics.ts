import { readFile } from 'node:fs/promises';
import { serve } from './adapters/exporter/serve.ts';
import { expositionOf, expositionType } from './metrics/exposition.ts';

/*
 * The process that serves metrics: `serve-metrics.js CONTROL REVISION PORT FILE`. It is a
 * composition root of its own, because it stays in memory and has to be small. It has no secret and
 * keeps nothing: it reads the file for each scrape. Exit status 17: another one runs already, or
 * another process has the port.
 */

const [control = '', revision = '', port = '', file = ''] = process.argv.slice(2);

await serve({
  ...{ control, revision, port: Number(port), contentType: expositionType },
  render: async () => expositionOf(await readFile(file, 'utf8')),
  stop: () => process.exit(0),
}).catch(() => process.exit(17));
