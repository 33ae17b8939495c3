/*
 * npm run docs    writes what the reference pages take from the YAML files, the layout and the
 * manifest's schema, between their marks
 *
 *   <!-- generated: actions -->  …  <!-- end -->
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { layoutTable } from './layout.ts';
import { manifestTable } from './manifest.ts';
import { messagesTable, statusesTable } from './messages.ts';
import { serversTable } from './servers.ts';
import { actionsText, endpointsTable, optionsText } from './tables.ts';

const root = join(import.meta.dirname, '..', '..');

const generators: Readonly<Record<string, () => string | Promise<string>>> = {
  actions: () => actionsText(root),
  options: () => optionsText(root),
  endpoints: () => endpointsTable(root),
  layout: layoutTable,
  manifest: manifestTable,
  servers: serversTable,
  messages: () => messagesTable(root),
  statuses: statusesTable,
};

const pages = [
  'actions',
  'options',
  'endpoints',
  's3-layout',
  'manifest',
  'servers',
  'messages',
].map((name) => `docs/reference/${name}.md`);

const block = /(<!-- generated: ([a-z]+) -->\n)[^]*?(?=<!-- end -->)/g;

/** Each page with its generated parts as they should be, by path. */
export const referencePages = async (): Promise<ReadonlyMap<string, string>> => {
  const texts = new Map<string, string>();
  for (const path of pages) {
    let text = await readFile(join(root, path), 'utf8');
    for (const [whole, mark = '', name = ''] of text.matchAll(block)) {
      const generate = generators[name];
      if (generate === undefined) throw new Error(`${path}: nothing generates ${name}`);
      text = text.replace(whole, () => `${mark}\n`);
      const made = await generate();
      text = text.replace(`${mark}\n`, () => `${mark}\n${made}\n\n`);
    }
    texts.set(path, text);
  }
  return texts;
};

if (import.meta.main)
  for (const [path, text] of await referencePages()) await writeFile(join(root, path), text);
