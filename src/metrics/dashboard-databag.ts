import { createHash } from 'node:crypto';
import type { Databag } from '../world.ts';
import { dashboard } from './dashboard.ts';
import type { Topology } from './databags.ts';
import { xzOf } from './xz.ts';

const charm = 'ckf-backup';

/**
 * The leader's side of interface `grafana_dashboard`, as grafana-k8s reads it
 * (canonical/grafana-k8s-operator, grafana_dashboard v0.48; cosl 1.9.1 for the uids). The same
 * dashboard gives the same text, so that writing it again is no event.
 */
export const dashboardData = ({ model, modelUuid, application, unit }: Topology): Databag => {
  const content = xzOf(Buffer.from(JSON.stringify(dashboard(uidOf('src/dashboard.json', 20)))));
  const templates = {
    [`file:${charm}`]: {
      charm,
      content: content.toString('base64'),
      juju_topology: { model, model_uuid: modelUuid, application, unit },
      inject_dropdowns: true,
      dashboard_alt_uid: uidOf(`file:${charm}`, 8),
    },
  };
  const uuid = createHash('sha256').update(JSON.stringify(templates)).digest('hex').slice(0, 32);
  return { dashboards: JSON.stringify({ templates, uuid }) };
};

const uidOf = (path: string, outputLength: number): string =>
  createHash('shake256', { outputLength }).update(`${charm}-${path}`).digest('hex');
