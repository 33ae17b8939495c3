import { tableText } from '../../../src/text.ts';
import type { ActionDefinition, CharmFiles } from '../../servers/unit-agent/charm.ts';

/** What `npm run demo -- help` says. */
export const helpText = (charm: CharmFiles): string =>
  [
    'npm run demo                            a backup, and the proof of it',
    'npm run demo -- <action> [key=value…]   any action, as juju run',
    'npm run demo -- schedule                three nights of a schedule, in a minute',
    'npm run demo -- config [option=value…]  sets options; without any it shows them',
    'npm run demo -- status                  as juju status',
    'npm run demo -- reset                   forgets the box',
    'BOX_UNITS=4 npm run demo                with four units of ckf-backup',
    'BOX_JUJU=4.1 npm run demo               with Juju 3.4, 3.6, 4.0 or 4.1',
    '',
    'The actions:',
    actionsText(charm),
  ].join('\n');

export const actionsText = ({ actions }: CharmFiles): string =>
  indented(Object.entries(actions).map(([name, action]) => [name, action?.title ?? '']));

export const optionsText = ({ options }: CharmFiles): string =>
  indented(
    Object.entries(options).map(([name, option]) => [name, option.type, text(option.default)]),
  );

/** What each parameter may be, and what it is when it is not given. */
export const parametersText = ({ params = {}, required = [] }: ActionDefinition): string => {
  const rows = Object.entries(params).map(([name, parameter]) => [
    name,
    parameter.enum?.map(text).join(' | ') ?? parameter.type ?? '',
    required.includes(name) ? 'required' : `default ${text(parameter.default)}`,
  ]);
  return rows.length === 0 ? '  none' : indented(rows);
};

const indented = (rows: readonly (readonly string[])[]): string =>
  tableText(rows).replaceAll(/^/gm, '  ');

const text = (value: unknown): string => {
  if (value === undefined || value === '') return "''";
  return typeof value === 'string' ? value : JSON.stringify(value);
};
