import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import { systemClock } from './adapters/clock.ts';
import { openHookTools } from './adapters/hook-tools/hook-tools.ts';
import { metricFactsName, openJournal } from './adapters/journal.ts';
import { createRedaction } from './adapters/redaction.ts';
import { type Charm, handle } from './charm.ts';
import { CharmError } from './errors.ts';
import { readEvent } from './event.ts';
import { runDeadline } from './operation/run-deadline.ts';
import { printable } from './text.ts';
import type { Exporter } from './world.ts';

/*
 * The composition root: Juju's environment goes in, an exit status comes out. What only some events
 * need is imported when it is asked for.
 */

const environment = process.env;
const redaction = createRedaction();
const unitName = environment['JUJU_UNIT_NAME'] ?? '';
// On the pod's own disk, next to the charm. Only this unit uses it, so what a killed action left
// there can be deleted.
const scratch = join(environment['JUJU_CHARM_DIR'] ?? '.', '..', 'scratch');
const tools = openHookTools(environment, redaction, scratch);

/**
 * Kubernetes kills what is left of a pod 30 s after it was asked to stop (Juju's
 * terminationGracePeriodSeconds).
 */
const terminationMilliseconds = 27_000;

const stop = new AbortController();
process.once('SIGTERM', () => {
  stop.abort(
    new CharmError('interrupted', 'The unit was asked to stop. What had been changed is put back.'),
  );
  // If something hangs until then, the journal knows what is left to undo.
  setTimeout(() => process.kill(process.pid, 'SIGTERM'), terminationMilliseconds).unref();
});

/** Linux gives each boot of a machine an id of its own. */
const bootId = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

let located: Promise<string | undefined> | undefined;
const journalLocation = () => (located ??= tools.storageLocation('journal'));

const journal = openJournal({
  locate: journalLocation,
  report: (message) => tools.log('WARNING', message),
  redact: (text) => redaction.redact(text),
});

/** Loaded when it is asked for. */
const openExporter = async (): Promise<Exporter> => {
  const [{ openExporter: open }, { metricsPort }] = await Promise.all([
    import('./adapters/exporter/exporter.ts'),
    import('./metrics/databags.ts'),
  ]);
  return open({
    node: process.execPath,
    // Next to this file in the bundle.
    script: join(import.meta.dirname, 'serve-metrics.js'),
    unit: unitName,
    revision: packageJson.version,
    port: metricsPort,
    file: async () => {
      const place = await journalLocation();
      return place === undefined ? undefined : join(place, metricFactsName);
    },
    path: environment['PATH'] ?? '',
    clock: systemClock,
  });
};

const charm: Charm = {
  application: unitName.replace(/\/\d+$/, ''),
  model: environment['JUJU_MODEL_NAME'] ?? '',
  modelUuid: environment['JUJU_MODEL_UUID'] ?? '',
  exporter: {
    ensure: async () => (await openExporter()).ensure(),
    stop: async () => (await openExporter()).stop(),
  },
  version: packageJson.version,
  unitName,
  tools,
  journal,
  now: () => systemClock.now(),
  openWorld: async (config, seen, event) => {
    const [{ openWorld }, { actionProgress, hookProgress }] = await Promise.all([
      import('./wiring/open-world.ts'),
      import('./adapters/progress.ts'),
    ]);
    await rm(scratch, { recursive: true, force: true });
    await mkdir(scratch, { recursive: true });
    return openWorld({
      ...{ environment, config, journal, redaction, scratch },
      host: await bootId(),
      tools: seen,
      progress: event.kind === 'action' ? actionProgress(tools) : hookProgress(tools),
      clock: systemClock,
      task: event.kind === 'action' ? event.task : undefined,
      signal: stop.signal,
      deadline:
        event.kind === 'action' && event.name === 'backup-control-plane'
          ? runDeadline(systemClock, config.runDeadline)
          : undefined,
      serviceAccount: '/var/run/secrets/kubernetes.io/serviceaccount',
    });
  },
  putBack: async (world) => (await import('./operation/put-back.ts')).putBack(world),
};

/** Juju shows stderr to the operator who ran the action. */
const sayUnexpected = (error: unknown): void => {
  const text = error instanceof Error ? error.message : String(error);
  const [line = ''] = printable(redaction.redact(text)).split('\n');
  process.stderr.write(`Unexpected failure: ${line} (juju debug-log has the details)\n`);
};
// Node itself would print the error with all its properties, which may hold a secret.
process.on('uncaughtException', (error) => {
  sayUnexpected(error);
  process.exit(1);
});

const run = async (): Promise<number> => {
  const event = readEvent(environment);
  if (event === undefined) return 0;
  try {
    await handle(event, charm);
    return 0;
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const { stackInSource } = await import('./adapters/stack-in-source.ts');
    await tools.log('ERROR', await stackInSource(text)).catch(() => undefined);
    sayUnexpected(error);
    return 1;
  }
};

const exitCode = await run();
// Juju runs a hook again that died of the signal, and takes any exit status for a failure. The
// handler above is gone by now.
if (stop.signal.aborted) process.kill(process.pid, 'SIGTERM');
else process.exit(exitCode);
