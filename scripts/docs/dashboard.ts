/*
 * node scripts/docs/dashboard.ts
 *
 * Draws docs/images/dashboard.svg: the panels of the dashboard, each with what a real Prometheus
 * answers to its expression over a month of sample data. Needs prometheus and promtool, Debian's
 * package prometheus.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dashboard } from '../../src/metrics/dashboard.ts';
import { type DrawnPanel, drawDashboard } from './dashboard/draw.ts';
import { startPrometheus } from './dashboard/prometheus.ts';
import { days, end, sampleText } from './dashboard/sample.ts';

const day = 86_400;

interface Options {
  readonly defaults: {
    readonly unit?: string;
    readonly thresholds?: { readonly steps: DrawnPanel['steps'] };
    readonly mappings?: readonly { readonly options: DrawnPanel['words'] }[];
    readonly custom?: {
      readonly axisLabel?: string;
      readonly drawStyle?: string;
      readonly stacking?: { readonly mode: string };
    };
  };
}

await using prometheus = await startPrometheus(sampleText());
const drawn: DrawnPanel[] = [];
for (const { title, type, gridPos, targets, fieldConfig } of dashboard('').panels) {
  // Loki is not here to answer.
  if (type === 'logs') continue;
  const [{ expr, legendFormat }] = targets;
  const { unit, thresholds, mappings, custom } = (fieldConfig as Options).defaults;
  const bars = custom?.drawStyle === 'bars';
  const range = bars
    ? { start: end - (days - 1) * day, end, step: day }
    : { start: end - days * day, end, step: 3 * 3600 };
  const series =
    type === 'timeseries' ? await prometheus.between(expr, range) : await prometheus.at(expr, end);
  if (series.length === 0) throw new Error(`${title} shows nothing`);
  drawn.push({
    ...{ title, type, gridPos, legend: legendFormat, unit, series, bars },
    ...{ steps: thresholds?.steps ?? [], words: mappings?.[0]?.options ?? {} },
    axis: custom?.axisLabel ?? '',
    stacked: !bars && custom?.stacking?.mode === 'normal',
  });
}
await writeFile(
  join(import.meta.dirname, '../../docs/images/dashboard.svg'),
  drawDashboard(drawn, end),
);
