/*
 * The floors of `src`. The linter keeps to them (eslint.config.js), and so does
 * tests/checkout/floors.test.ts, which also sees imports that are made while the charm runs. What
 * each room is for stands in docs/explanation/architecture.md.
 */

/** From the ground up. A room may import from the floors below its own. */
export const floors: readonly (readonly string[])[] = [
  [
    'ports',
    'errors.ts',
    'event.ts',
    'in-turns.ts',
    'text.ts',
    'unless-aborted.ts',
    'wait-until.ts',
    'wordings.ts',
    'world.ts',
  ],
  ['config', 'relations', 'schedule'],
  ['repository'],
  ['pages'],
  ['assurance', 'operation', 'sessions'],
  ['metrics', 'notify'],
  ['components'],
  ['backup', 'restore', 'retention', 'verify', 'volumes'],
  ['actions', 'hooks'],
  ['charm.ts', 'serve-metrics.ts', 'wiring'],
  ['main.ts'],
];

/**
 * What a room may import from its own floor. On the ground, where each room is a word that all use,
 * everything.
 */
const sideways: Readonly<Record<string, readonly string[]>> = {
  relations: ['config'],
  backup: ['retention'],
  restore: ['verify'],
  volumes: ['retention'],
};

/**
 * The folders of `src/volumes`, from the ground up. Each may import from those above it in this
 * list; the stories, which lie in the room itself, from all.
 */
export const foldersOfVolumes: readonly string[] = [
  'claims',
  'records',
  'pods',
  'restic',
  'retention',
  'repositories',
];

/**
 * The adapters are on no floor: they know the ports and what Juju's options look like, and
 * nothing of the charm.
 */
const knownToAdapters = [...(floors[0] ?? []), 'config'];

/** Only what puts the world together, and the entry point, may choose an adapter. */
const choosesAdapters = ['wiring', 'serve-metrics.ts', 'main.ts'];

export const rooms: readonly string[] = [...floors.flat(), 'adapters'];

const floorOf = (room: string): number => floors.findIndex((floor) => floor.includes(room));

/** Whether a file of one room may import a file of another. */
export const mayImport = (from: string, to: string): boolean => {
  if (from === to) return true;
  if (from === 'adapters') return knownToAdapters.includes(to);
  if (to === 'adapters') return choosesAdapters.includes(from);
  if (floorOf(from) === 0 && floorOf(to) === 0) return true;
  return floorOf(from) > floorOf(to) || (sideways[from]?.includes(to) ?? false);
};

/** The packages of outside systems, which only adapters import. */
export const sdks = [
  '@aws-sdk/*',
  '@canonical/*',
  '@kubernetes/*',
  '@smithy/*',
  'execa',
  'undici',
  'ws',
];
