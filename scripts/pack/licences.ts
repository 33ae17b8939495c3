import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundledPackage } from './packages.ts';

const rule = '-'.repeat(80);

/**
 * The licences of everything in the charm that is not ours: a list, then the text that each package
 * brings. Texts that are equal are printed once, below the names of all the packages that have
 * them.
 *
 * @param node the licence that Node's package brings, with those of what Node itself is built from
 */
export const licencesText = async (
  root: string,
  packages: readonly BundledPackage[],
  runtime: BundledPackage,
  node: string,
): Promise<string> => {
  const texts = new Map<string, string[]>();
  const add = (text: string, name: string): void => {
    texts.set(text, [...(texts.get(text) ?? []), name]);
  };
  for (const { name, version, licence, directory } of packages)
    add((await textOf(join(root, directory))) ?? withoutText(licence), `${name} ${version}`);
  add(node.trim(), `${runtime.name} ${runtime.version}`);
  const list = [...packages, runtime].map(
    ({ name, version, licence }) => `${name} ${version}: ${licence}`,
  );
  return [
    'This charm contains these packages. Its own licence is in the file LICENSE.',
    '',
    ...list,
    ...[...texts].flatMap(([text, names]) => [rule, ...names, rule, text]),
    '',
  ].join('\n');
};

/** What a package says about its licence; undefined when it has no such file. */
const textOf = async (directory: string): Promise<string | undefined> => {
  const names = (await readdir(directory))
    .filter((name) => /^(licen[cs]e|copying|notice)([.-]|$)/i.test(name))
    .sort();
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return texts.length === 0 ? undefined : texts.map((text) => text.trim()).join('\n\n');
};

const withoutText = (licence: string): string =>
  `The package brings no text of its licence, ${licence}${licence === 'Apache-2.0' ? '; that of LICENSE is the same' : ''}.`;
