import type { Databag, ClusterAccess } from '../../world.ts';

/**
 * A hook tool printed something else than its documentation says: a fault of Juju, or another
 * program in its place.
 */
const unexpected = (tool: string, wanted: string): Error =>
  new Error(`Juju's ${tool} printed something else than ${wanted}.`);

export const parseJson = (tool: string, text: string): unknown => {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    // The text is left out, because it may hold a secret.
    throw unexpected(tool, 'JSON');
  }
};

/** An object; Juju 4.0 prints `null` for an empty one. */
export const parseRecord = (tool: string, value: unknown): Readonly<Record<string, unknown>> => {
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw unexpected(tool, 'an object');
  return { ...value };
};

export const parseDatabag = (tool: string, value: unknown): Databag => {
  const databag: Record<string, string> = {};
  for (const [key, entry] of Object.entries(parseRecord(tool, value))) {
    if (typeof entry !== 'string') throw unexpected(tool, 'an object of strings');
    databag[key] = entry;
  }
  return databag;
};

export const parseStrings = (tool: string, value: unknown): readonly string[] => {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw unexpected(tool, 'a list');
  return value.map((entry: unknown) => {
    if (typeof entry !== 'string') throw unexpected(tool, 'a list of strings');
    return entry;
  });
};

/**
 * What credential-get prints on Kubernetes (Juju 3.6, runner/context `cloudSpecK8s`): our pod's own
 * token.
 */
export const readCloudCredential = (output: unknown): ClusterAccess | undefined => {
  const server = at(output, 'endpoint');
  const ca = at(at(output, 'cacertificates'), '0');
  const token = at(at(at(output, 'credential'), 'attrs'), 'Token');
  if (typeof server !== 'string' || typeof ca !== 'string' || typeof token !== 'string')
    return undefined;
  return { server, ca, token };
};

/** The first of what network-get prints (Juju 3.6, jujuc/network-get.go). */
export const readBindAddress = (output: unknown): string | undefined => {
  const address = at(at(at(at(at(output, 'bind-addresses'), '0'), 'addresses'), '0'), 'value');
  return typeof address === 'string' && address !== '' ? address : undefined;
};

const at = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(key) : undefined;
