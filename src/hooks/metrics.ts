import { CharmError, orProblem } from '../errors.ts';
import type { CharmEvent } from '../event.ts';
import type { Topology } from '../metrics/databags.ts';
import type { MetricFacts } from '../metrics/facts.ts';
import type { Assessment } from './assess.ts';
import type { Known } from './metric-facts.ts';
import type { Unit } from './unit.ts';

type Hook = Extract<CharmEvent, { kind: 'hook' }>;

const endpoint = 'metrics-endpoint';
const dashboardEndpoint = 'grafana-dashboard';
const loggingEndpoint = 'logging';

/**
 * Keeps the facts for Prometheus, and the process that serves them, for as long as a Prometheus is
 * related. Every hook but `update-status` asks Juju whether one is. `update-status` sees it from
 * the file of the facts, which costs no call of a hook tool. No hook fails because of metrics: what
 * is wrong with them is logged, and returned as words for the status.
 */
export const keepMetrics = async (
  unit: Unit,
  hook: Hook,
  known: Known,
): Promise<string | undefined> => {
  const kept = await orProblem(() => keep(unit, hook, known));
  if (!(kept instanceof CharmError)) return kept;
  await unit.tools.log('WARNING', kept.message);
  return 'metrics are not served (juju debug-log)';
};

/** Rejects when none answers. Resolves with what the collector has against our data. */
const keep = async (unit: Unit, hook: Hook, known: Known): Promise<string | undefined> => {
  const isFrequent = hook.name === 'update-status';
  const relations = isFrequent ? [] : await unit.tools.relationIds(endpoint);
  if (!isFrequent && known.assessment.leader) await writeForObservers(unit);
  if (!isFrequent && relations.length === 0) {
    await forgetMetrics(unit);
    return undefined;
  }
  const answer = isFrequent ? {} : { collectorError: await collectorError(unit, relations) };
  const facts = await updateMetrics(
    unit,
    { ...known, ...answer, mayAskS3: !isFrequent },
    !isFrequent,
  );
  if (facts === undefined) return undefined;
  for (const relationId of relations) await writeDatabags(unit, relationId, known.assessment);
  const problem = await unit.exporter.ensure();
  if (problem !== undefined) throw problem;
  return facts.collectorError === undefined
    ? undefined
    : `${facts.collectorError} refuses metrics or alerts (juju debug-log)`;
};

/**
 * The application that answers with errors to what we offer, of which the log has the text
 * (prometheus_scrape v0.61 writes them into its databag).
 */
const collectorError = async (
  { tools }: Unit,
  relations: readonly string[],
): Promise<string | undefined> => {
  const { readScrapeErrors } = await import('../metrics/databags.ts');
  let refusing: string | undefined;
  for (const relationId of relations) {
    const application = await tools.remoteApplication(relationId);
    if (application === undefined) continue;
    const errors = readScrapeErrors(await tools.applicationData(relationId, application));
    if (errors === undefined) continue;
    refusing ??= application;
    await tools.log('WARNING', `${application} answers to our metrics and alerts: ${errors}`);
  }
  return refusing;
};

/** In the last hooks of a unit, and when nobody is related any more. */
export const forgetMetrics = async (unit: Unit): Promise<void> => {
  await unit.exporter.stop();
  await orProblem(() => unit.journal.setMetricFacts(undefined));
};

/**
 * Writes what is known now over what was known before. Without `begin` only when there is a file
 * already. The exporter reads it at the next scrape. Undefined when nothing was written.
 */
export const updateMetrics = async (
  unit: Unit,
  known: Known,
  begin = false,
): Promise<MetricFacts | undefined> => {
  const before = await orProblem(() => unit.journal.metricFacts());
  // Without the journal there is no place for the facts, and the status says so.
  if (before instanceof CharmError || (before === undefined && !begin)) return undefined;
  const [{ factsText, parseFacts }, { factsNow }] = await Promise.all([
    import('../metrics/facts.ts'),
    import('./metric-facts.ts'),
  ]);
  const facts = await factsNow(unit, known, parseFacts(before ?? ''));
  const problem = await orProblem(() => unit.journal.setMetricFacts(factsText(facts)));
  return problem instanceof CharmError ? undefined : facts;
};

/** Says that a backup runs, as soon as it begins. */
export const markRunning = async ({ journal }: Unit, started: string): Promise<void> => {
  await orProblem(async () => {
    const { factsText, parseFacts } = await import('../metrics/facts.ts');
    const before = parseFacts((await journal.metricFacts()) ?? '');
    if (before !== undefined)
      await journal.setMetricFacts(factsText({ ...before, running: started, updated: started }));
  });
};

const writeDatabags = async (
  unit: Unit,
  relationId: string,
  { leader }: Assessment,
): Promise<void> => {
  const { scrapeData, scrapeUnitData } = await import('../metrics/databags.ts');
  const topology = topologyOf(unit);
  const address = await unit.tools.bindAddress(endpoint);
  if (address !== undefined)
    await unit.tools.setUnitData(relationId, scrapeUnitData(topology, address));
  if (leader) await unit.tools.setApplicationData(relationId, scrapeData(topology));
};

/** Offers the dashboard, and names us as the sender of logs. */
const writeForObservers = async (unit: Unit): Promise<void> => {
  const { tools } = unit;
  const [dashboards, logs] = await Promise.all([
    tools.relationIds(dashboardEndpoint),
    tools.relationIds(loggingEndpoint),
  ]);
  for (const relationId of dashboards) {
    const { dashboardData } = await import('../metrics/dashboard-databag.ts');
    await tools.setApplicationData(relationId, dashboardData(topologyOf(unit)));
  }
  for (const relationId of logs) {
    const { lokiData } = await import('../metrics/databags.ts');
    await tools.setApplicationData(relationId, lokiData(topologyOf(unit)));
  }
};

const topologyOf = ({ model, modelUuid, application, unitName }: Unit): Topology => ({
  ...{ model, modelUuid, application, unit: unitName },
});
