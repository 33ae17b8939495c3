import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { type Plugin, build } from 'esbuild';

/**
 * Each *-validator.ts compiles a schema with ajv when it is loaded. In the bundle it is replaced by the code that ajv makes of that schema, because
 * ajv itself costs more time than all the rest of a hook.
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

// The SDKs are imported dynamically, so splitting keeps each of them in a file of its own that only the
// handler that needs it loads. Some of them are CommonJS and ask for `require`, which ES modules lack.
const { metafile } = await build({
  metafile: true,
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  sourcemap: true,
  sourcesContent: false,
  minifySyntax: true,
  legalComments: 'linked',
  logLevel: 'warning',
  plugins: [compiledValidators],
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
});

// What an earlier build left is taken away last, so that a charm that runs meanwhile finds its files.
for (const name of await readdir('dist'))
  if (!(`dist/${name}` in metafile.outputs)) await rm(join('dist', name), { recursive: true });
