import { CharmError } from '../errors.ts';
import type { CharmEvent } from '../event.ts';
import { type Assessment, assess, jujuProblem } from './assess.ts';
import { provideS3, requestS3, withdrawS3, writeSupportedVersions } from './relations.ts';
import { statusOf } from './status.ts';
import type { Unit } from './unit.ts';

type Hook = Extract<CharmEvent, { kind: 'hook' }>;

/**
 * Every hook: looks around, writes what the relations should hold, finishes an interrupted undo, and says how things are. It depends on what is,
 * not on which hook it is, so the order of events does not matter.
 */
export const reconcile = async (unit: Unit, hook: Hook): Promise<void> => {
  const assessment = await assess(unit);
  if (assessment.leader) {
    // First of all, and whatever else is wrong: without it MinIO's charm stops serving everybody.
    await writeSupportedVersions(unit);
    await withdrawS3(unit, hook);
    await requestS3(unit, hook, assessment);
    await provideS3(unit, assessment);
    if (hook.name === 'install' || hook.name === 'upgrade-charm')
      await unit.tools.setWorkloadVersion(unit.version);
  }
  if (hook.name === 'stop' || hook.name === 'remove') return;
  await showStatus(unit, assessment, [
    ...(await finishUndo(unit, assessment)),
    ...(await atController(unit, hook, assessment)),
  ]);
};

/** Puts the status right, with what is known beyond the assessment. */
export const showStatus = async (
  unit: Unit,
  { leader, config, journal, location, objectStorageProblem }: Assessment,
  known: readonly CharmError[],
): Promise<void> => {
  const found = [journal, config, ...known, location, objectStorageProblem];
  const status = statusOf({
    problems: withoutRepeats(found.filter((fact) => fact instanceof CharmError)),
    lastBackup: journal instanceof CharmError ? undefined : journal.lastBackup,
  });
  await Promise.all([
    unit.tools.setStatus(status, 'unit'),
    leader ? unit.tools.setStatus(status, 'application') : undefined,
  ]);
};

/** A killed action leaves entries in the journal. Nothing else is loaded when there are none. */
const finishUndo = async (
  unit: Unit,
  { config, journal }: Assessment,
): Promise<readonly CharmError[]> => {
  if (config instanceof CharmError || journal instanceof CharmError) return [];
  if (journal.unfinished.length === 0) return [];
  const names = journal.unfinished.map(({ application }) => application).join(', ');
  await unit.tools.setStatus(
    { name: 'maintenance', message: `Putting back what an interrupted backup changed: ${names}` },
    'unit',
  );
  return unit.putBack(await unit.openWorld(config));
};

/** Only the leader runs actions. `update-status` trusts an active status: whatever changed the credentials since has caused a hook of its own. */
const atController = async (
  unit: Unit,
  hook: Hook,
  { leader, config }: Assessment,
): Promise<readonly CharmError[]> => {
  if (!leader || config instanceof CharmError) return [];
  const problem = await jujuProblem(
    unit,
    config,
    async () => hook.name !== 'update-status' || (await unit.tools.unitStatus()) !== 'active',
  );
  return problem === undefined ? [] : [problem];
};

const withoutRepeats = (problems: readonly CharmError[]): readonly CharmError[] => [
  ...new Map(problems.map((problem) => [problem.message, problem])).values(),
];
