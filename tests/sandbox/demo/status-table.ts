import { tableText } from '../../../src/text.ts';
import type { ModelState } from '../model-state.ts';

/** The model as `juju status` prints it. */
export const statusTable = ({ name, applications }: ModelState): string => {
  const all = Object.values(applications).sort((a, b) => (a.name < b.name ? -1 : 1));
  const rows = all.map(({ name: app, workloadVersion, status, units, scale, charm, revision }) => {
    const shown = status ?? units[0]?.workload;
    const charmName = charm.replace(/^ch:amd64\//, '').replace(/-\d+$/, '');
    return [
      app,
      workloadVersion,
      shown?.status ?? 'unknown',
      units.length === scale ? String(scale) : `${units.length}/${scale}`,
      charmName,
      String(revision),
      shown?.message ?? '',
    ];
  });
  const units = all.flatMap((application) =>
    application.units.map(({ name: unit, leader, workload, agent }) => [
      `${unit}${leader ? '*' : ''}`,
      workload.status,
      agent.status,
      workload.message,
    ]),
  );
  return [
    `Model: ${name}`,
    '',
    tableText([['App', 'Version', 'Status', 'Scale', 'Charm', 'Rev', 'Message'], ...rows]),
    '',
    tableText([['Unit', 'Workload', 'Agent', 'Message'], ...units]),
  ].join('\n');
};
