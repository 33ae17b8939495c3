import { type AlertRule, alertRules, hostHealthRules } from './alert-rules.ts';
import { fieldsOf } from '../ports/fields.ts';
import { excerpt } from '../text.ts';
import type { Databag } from '../world.ts';

/** Where this charm stands in Juju, as dashboards and alerts name it. */
export interface Topology {
  readonly model: string;
  readonly modelUuid: string;
  readonly application: string;
  readonly unit: string;
}

/** The port of every unit's exporter. Juju itself has 38812 (Pebble) and 65301 in our pod. */
export const metricsPort = 9409;

const charm = 'ckf-backup';

/**
 * The leader's side of interface `prometheus_scrape`, as prometheus-k8s reads it
 * (canonical/prometheus-k8s-operator, prometheus_scrape v0.61).
 */
export const scrapeData = (topology: Topology): Databag => ({
  scrape_metadata: metadataOf(topology),
  scrape_jobs: JSON.stringify([
    {
      metrics_path: '/metrics',
      scrape_interval: '60s',
      static_configs: [{ targets: [`*:${metricsPort}`] }],
    },
  ]),
  alert_rules: JSON.stringify({
    groups: [
      group(topology, 'schedule', alertRules),
      group(topology, 'HostHealth', hostHealthRules),
    ],
  }),
});

/**
 * The leader's side of interface `loki_push_api`: who sends, and no rules of ours
 * (canonical/loki-k8s-operator, loki_push_api v1.30).
 */
export const lokiData = (topology: Topology): Databag => ({
  metadata: metadataOf(topology),
  alert_rules: '{}',
});

/** Each unit's side: where its exporter listens. `address` may be a name, from Juju 4.1 on. */
export const scrapeUnitData = (topology: Topology, address: string): Databag => ({
  prometheus_scrape_unit_address: address,
  prometheus_scrape_unit_name: topology.unit,
});

const metadataOf = ({ model, modelUuid, application, unit }: Topology): string =>
  JSON.stringify({ model, model_uuid: modelUuid, application, unit, charm_name: charm });

const group = (topology: Topology, name: string, rules: readonly AlertRule[]) => ({
  // As cosl/rules.py makes it.
  name: `${topology.model}_${topology.modelUuid.slice(0, 8)}_${topology.application}_${name}_rules`.replaceAll(
    /[^A-Za-z0-9_:]/g,
    '_',
  ),
  rules: rules.map((rule) => ({
    ...rule,
    // Never the unit: it changes with the leader.
    labels: {
      ...rule.labels,
      juju_model: topology.model,
      juju_model_uuid: topology.modelUuid,
      juju_application: topology.application,
      juju_charm: charm,
    },
  })),
});

/** What prometheus-k8s has against our jobs and rules; undefined when it has nothing. */
export const readScrapeErrors = ({ event }: Databag): string | undefined => {
  try {
    const { errors, scrape_job_errors } = fieldsOf(JSON.parse(event ?? '{}'));
    const texts = [errors, scrape_job_errors].flatMap((value) =>
      value === undefined || value === null || value === '' ? [] : [textOf(value)],
    );
    return texts.length === 0 ? undefined : excerpt(texts.join('; '), 1000);
  } catch {
    return undefined;
  }
};

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);
