import type { MetricFacts } from '../../src/metrics/facts.ts';

/** A leader that has two good sets, a nightly schedule, and everything that can be told. */
export const someFacts = (changes: Partial<MetricFacts> = {}): MetricFacts => ({
  format: 1,
  ...{ version: '1.2.3', leader: true, updated: '2026-11-26T10:49:30.000Z', journalEntries: 0 },
  volumesSchedule: { interval: 604_800, paused: false, next: '2026-11-29T03:00:00.000Z' },
  stoppedNotebooks: 0,
  volumes: {
    namespaces: { alice: '2026-11-22T03:00:00.000Z' },
    repositories: {
      alice: {
        created: '2026-10-01T03:00:00.000Z',
        ...{ checked: '2026-11-22T03:10:00.000Z', intact: true },
      },
      bob: { created: '2026-11-20T03:00:00.000Z' },
    },
  },
  schedule: { interval: 86_400, paused: false, next: '2026-11-27T02:00:00.000Z' },
  sets: {
    count: 14,
    oldest: '2026-11-12T02:00:07Z',
    newest: {
      ...{ id: '2026-11-26T02:00:05Z', seconds: 734.5, consistent: true },
      parts: {
        'kfp-db': { size: 12_000_000, objects: 40, seconds: 92 },
        mlmd: { size: 800_000, seconds: 7.5 },
        mlpipeline: { size: 5_000_000_000, objects: 120_000, seconds: 610 },
      },
    },
    previous: { 'kfp-db': 11_900_000, mlmd: 790_000, mlpipeline: 4_900_000_000 },
    assured: '2026-11-26T02:00:05Z',
  },
  lastRun: { at: '2026-11-26T02:00:03.000Z' },
  runs: {
    'succeeded/schedule': 13,
    'failed/schedule': 1,
    'succeeded/operator': 1,
    'volumes/missed': 2,
  },
  verification: { intact: true, at: '2026-11-23T09:00:00.000Z' },
  retentionWorked: true,
  notProtected: { database: 1, bucket: 0 },
  credentials: { juju: true, s3: true },
  certificates: { s3: '2027-11-26T00:00:00.000Z' },
  ...changes,
});
