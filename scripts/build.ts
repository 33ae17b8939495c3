import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

// The SDKs are imported dynamically, so splitting keeps each of them in a file of its own that only the
// handler that needs it loads. Some of them are CommonJS and ask for `require`, which ES modules lack.
await rm('dist', { recursive: true, force: true });
await build({
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
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
});
