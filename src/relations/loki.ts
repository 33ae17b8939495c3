import type { Databag } from '../world.ts';

/**
 * The addresses that a relation of interface `loki_push_api` gives: each remote unit writes its own
 * (canonical/loki-k8s-operator, loki_push_api v1.30), and behind an ingress they are all the same.
 */
export const lokiAddresses = (units: readonly Databag[]): readonly string[] => [
  ...new Set(units.flatMap(({ endpoint }) => addressIn(endpoint) ?? [])),
];

const addressIn = (text: string | undefined): string | undefined => {
  try {
    const value: unknown = JSON.parse(text ?? '');
    if (typeof value !== 'object' || value === null || !('url' in value)) return undefined;
    const { url } = value;
    return typeof url === 'string' && /^https?:/.test(url) && URL.canParse(url) ? url : undefined;
  } catch {
    return undefined;
  }
};
