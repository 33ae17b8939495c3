import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Ajv } from 'ajv';

/**
 * Reads what `save` wrote; undefined when nothing was. Throws when the file is not of this shape.
 */
export const readSaved = <State>(
  file: string,
  required: readonly (keyof State & string)[],
): State | undefined => {
  if (!existsSync(file)) return undefined;
  const isState = new Ajv().compile<State>({ type: 'object', required: [...required] });
  const saved: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isState(saved)) throw new Error(`${file} is not what this version of the box writes`);
  return saved;
};

/** Replaces the file as a whole, so that an interrupted process leaves the state before. */
export const save = (file: string, state: unknown): void => {
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
};
