import { familiesOf } from './families.ts';
import type { Family } from './family.ts';
import { parseFacts } from './facts.ts';

/** The content type of what `expositionOf` gives. */
export const expositionType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * The text that Prometheus reads, from the text of the facts' file; undefined when that is no such
 * file.
 */
export const expositionOf = (text: string): string | undefined => {
  const facts = parseFacts(text);
  return facts && familiesOf(facts).map(familyText).join('');
};

/** As https://prometheus.io/docs/instrumenting/exposition_formats has it. */
const familyText = ({ name, type, help, samples }: Family): string =>
  [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(({ labels, value }) => `${name}${labelsText(labels)} ${value}`),
    '',
  ].join('\n');

const labelsText = (labels: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
