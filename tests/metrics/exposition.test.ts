import assert from 'node:assert/strict';
import { execa } from 'execa';
import { expositionOf } from '../../src/metrics/exposition.ts';
import { type MetricFacts, factsText } from '../../src/metrics/facts.ts';
import { someFacts } from '../rigs/metric-facts.ts';
import { needs } from '../rigs/needs.ts';

const textOf = (facts: MetricFacts): string => expositionOf(factsText(facts)) ?? assert.fail();
const samplesOf = (facts: MetricFacts): readonly string[] =>
  textOf(facts)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

describe('the metrics', () => {
  it('are what promtool takes, with names and labels as its linter wants them', async function () {
    await needs(this, 'promtool');
    for (const facts of [
      someFacts(),
      someFacts({ lastRun: { at: '2026-11-26T02:00:03Z', failedWith: 'store-denied' } }),
      someFacts({ leader: false }),
    ])
      assert.equal(
        (await execa('promtool', ['check', 'metrics'], { input: textOf(facts) })).stdout,
        '',
      );
    const { exitCode } = await execa('promtool', ['check', 'metrics'], {
      input: textOf(someFacts()).replaceAll('runs_total', 'runs'),
      reject: false,
    });
    assert.notEqual(exitCode, 0);
  });

  it('have times in seconds, sizes in bytes and truths as 0 and 1', () => {
    const samples = samplesOf(someFacts());
    for (const sample of [
      'ckf_backup_info{version="1.2.3",leader="true"} 1',
      'ckf_backup_schedule_interval_seconds 86400',
      `ckf_backup_schedule_next_run_timestamp_seconds ${Date.parse('2026-11-27T02:00:00Z') / 1000}`,
      'ckf_backup_schedule_paused 0',
      'ckf_backup_sets 14',
      `ckf_backup_last_success_timestamp_seconds ${Date.parse('2026-11-26T02:00:05Z') / 1000}`,
      'ckf_backup_last_success_duration_seconds 734.5',
      'ckf_backup_last_success_size_bytes{part="mlpipeline"} 5000000000',
      'ckf_backup_last_success_objects{part="kfp-db"} 40',
      'ckf_backup_previous_success_size_bytes{part="mlmd"} 790000',
      'ckf_backup_last_run_failed{code=""} 0',
      'ckf_backup_run_started_timestamp_seconds 0',
      'ckf_backup_runs_total{outcome="failed",trigger="schedule"} 1',
      'ckf_backup_credentials_valid{system="s3"} 1',
      'ckf_backup_volumes_schedule_interval_seconds 604800',
      'ckf_backup_volumes_slots_total{outcome="missed"} 2',
      'ckf_backup_stopped_notebooks 0',
      `ckf_backup_volumes_oldest_success_timestamp_seconds{namespace="alice"} ${Date.parse('2026-11-22T03:00:00Z') / 1000}`,
      `ckf_backup_volumes_repository_created_timestamp_seconds{repository="bob"} ${Date.parse('2026-11-20T03:00:00Z') / 1000}`,
      `ckf_backup_volumes_repository_check_timestamp_seconds{repository="alice"} ${Date.parse('2026-11-22T03:10:00Z') / 1000}`,
      'ckf_backup_volumes_repository_intact{repository="alice"} 1',
      'ckf_backup_volumes_slots_total{outcome="failed"} 0',
    ])
      assert.ok(samples.includes(sample), `${sample} is not among\n${samples.join('\n')}`);
    assert.ok(!samples.some((sample) => sample.includes('NaN')));
    const runs = samples.filter((sample) => sample.startsWith('ckf_backup_runs_total'));
    assert.equal(runs.length, 3, 'those of volumes are not among the runs');
  });

  it('leave out what nobody knows, and are few on a unit that does not lead', () => {
    const { version, updated } = someFacts();
    const bare: MetricFacts = { format: 1, version, updated, leader: true, journalEntries: 2 };
    assert.deepEqual(
      samplesOf(bare).map((sample) => sample.replace(/[ {].*/, '')),
      [
        'info',
        'state_updated_timestamp_seconds',
        'journal_entries',
        'run_started_timestamp_seconds',
      ].map((name) => `ckf_backup_${name}`),
    );
    assert.equal(samplesOf(someFacts({ leader: false })).length, 4);
  });

  it('escape what stands in labels', () => {
    const lastRun = { at: '2026-11-26T02:00:03Z', failedWith: 'a "b"\\\nc' };
    assert.ok(
      samplesOf(someFacts({ lastRun })).includes(
        'ckf_backup_last_run_failed{code="a \\"b\\"\\\\\\nc"} 1',
      ),
    );
  });

  it('are not served while the file is broken, or of another revision', () => {
    for (const text of ['', '{', '[]', 'null', '{"format":2}', factsText(someFacts()).slice(0, -9)])
      assert.equal(expositionOf(text), undefined, text);
  });
});
