import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse } from 'yaml';

/*
 * The checkout, for the tests that keep its files true to each other.
 */

export const root = join(import.meta.dirname, '../..');

export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

export const yamlOf = (path: string): unknown => parse(textOf(path));

/**
 * The files below some of the checkout's directories, as paths from its root. What is built or
 * installed is not among them.
 */
export const filesBelow = (directory: string, pattern: RegExp): readonly string[] =>
  readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => pattern.test(path))
    .sort();

/** Every file that somebody wrote. */
export const writtenFiles = (): readonly string[] => {
  const directories = ['src', 'tests', 'scripts', 'docs', 'terraform', '.ci'];
  const own = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.charm$|^package-lock\.json$/.test(entry.name))
    .map(({ name }) => name);
  return [...own, ...directories.flatMap((directory) => filesBelow(directory, /./))];
};

/** What code calls an option or parameter. */
export const camelCase = (name: string): string =>
  name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

export interface Parameter {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface ActionDeclaration {
  readonly title?: string;
  readonly description?: string;
  readonly params?: Readonly<Record<string, Parameter>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
}

export const declaredActions = (): Readonly<Record<string, ActionDeclaration>> =>
  yamlOf('actions.yaml') as Record<string, ActionDeclaration>;

export interface Option {
  readonly type: string;
  readonly default?: string | number;
  readonly description?: string;
}

export const declaredOptions = (): Readonly<Record<string, Option>> =>
  (yamlOf('config.yaml') as { options: Record<string, Option> }).options;
