import { join, relative } from 'node:path';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { type Metafile, type Plugin, build } from 'esbuild';
import { ownSourceMap } from './own-source-map.ts';

export interface Bundle {
  /** By their path in the charm, such as `dist/main.js`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Which file of which package went into them. */
  readonly metafile: Metafile;
}

/**
 * Each *-validator.ts compiles a schema with ajv when it is loaded. In the bundle it is replaced by
 * the code that ajv makes of that schema, because ajv itself costs more time than all the rest of a
 * hook.
 */
const compiledValidators: Plugin = {
  name: 'compiled-validators',
  setup: (building) => {
    building.onLoad({ filter: /-validator\.ts$/ }, async ({ path }) => {
      const { validate } = (await import(path)) as { validate: { schema: object } };
      const ajv = new Ajv({
        allErrors: true,
        code: { source: true, esm: true },
        schemas: { validate: validate.schema },
      });
      return { contents: standaloneCode.default(ajv, { validate: 'validate' }), loader: 'js' };
    });
  },
};

/**
 * Bundles the charm and what it uses of its packages, in memory. The same sources and lock file
 * give the same bytes, wherever the checkout lies.
 */
export const bundle = async (): Promise<Bundle> => {
  const root = join(import.meta.dirname, '..');
  // The SDKs are imported dynamically, so splitting keeps each of them in a file of its own that
  // only the handler that needs it loads. Some of them are CommonJS and ask for `require`, which ES
  // modules lack.
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    write: false,
    metafile: true,
    // SQLite and copies work in threads, and metrics are served by a process, which begin with
    // files of their own.
    entryPoints: {
      main: 'src/main.ts',
      'serve-metrics': 'src/serve-metrics.ts',
      'copy-thread': 'src/wiring/copy-thread.ts',
      'sqlite-worker': 'src/components/mlmd/sqlite-worker.ts',
    },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    sourcemap: true,
    sourcesContent: false,
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'linked',
    logLevel: 'warning',
    plugins: [compiledValidators],
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  });
  const files = new Map<string, Uint8Array>();
  for (const { path, contents, text } of outputFiles) {
    const kept = path.endsWith('.map') ? ownSourceMap(text) : contents;
    if (kept !== undefined) files.set(relative(root, path), Buffer.from(kept));
  }
  return { metafile, files };
};
