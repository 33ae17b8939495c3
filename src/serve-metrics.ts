import { readFile } from 'node:fs/promises';
import { serve } from './adapters/exporter/serve.ts';
import { expositionOf, expositionType } from './metrics/exposition.ts';

/*
 * The process that serves metrics: `serve-metrics.js CONTROL REVISION PORT FILE`. A composition
 * root of its own, because it must stay small and know nothing: it holds no state and no secret,
 * and reads the file again for each scrape. Status 17: another one runs already, or has the port.
 */

const [control = '', revision = '', port = '', file = ''] = process.argv.slice(2);

await serve({
  ...{ control, revision, port: Number(port), contentType: expositionType },
  render: async () => expositionOf(await readFile(file, 'utf8')),
  stop: () => process.exit(0),
}).catch(() => process.exit(17));
