import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from './bundle.ts';

const root = join(import.meta.dirname, '..');
const { files } = await bundle();
await mkdir(join(root, 'dist'), { recursive: true });
for (const [path, contents] of files) await writeFile(join(root, path), contents);

// What an earlier build left is taken away last, so that a charm that runs meanwhile finds its
// files.
for (const name of await readdir(join(root, 'dist')))
  if (!files.has(`dist/${name}`)) await rm(join(root, 'dist', name), { recursive: true });
