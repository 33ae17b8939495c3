import { CharmError } from '../errors.ts';
import { ageText, listText, sum, tableText } from '../text.ts';
import {
  type VerifiedRepository,
  type VerifyRequest,
  errorCount,
  verifyRepositories,
} from '../volumes/verify-repositories.ts';
import { proofText } from '../volumes/records/repository-proof.ts';
import { type Action, volumeParameter } from './action.ts';

/**
 * Looks whether the repositories of volumes can be restored from. Results: what was looked at in
 * each, and what is damaged. Fails with `volume-damaged` when something is, and with the code of
 * the first that could not be looked at otherwise.
 */
export const verifyVolumes: Action = async (world, config, parameters) => {
  const { session, verified } = await verifyRepositories(
    world,
    config.volumes,
    requestOf(parameters),
  );
  const now = world.clock.now();
  const results = {
    session,
    repositories: tableText([
      ['REPOSITORY', 'RESULT', 'TOOK'],
      ...verified.map(({ name, checks, problem }) => [
        name,
        problem?.code ?? checks.map((check) => proofText(check, now)).join(', '),
        ageText(sum(checks.map(({ seconds }) => seconds))),
      ]),
    ]),
    verified: String(verified.filter(({ problem }) => problem === undefined).length),
    errors: String(errorCount(verified)),
    ...damageResults(verified),
  };
  const problems = verified.flatMap(({ problem = [] }) => problem);
  for (const problem of problems) await world.progress.note(problem.message);
  const first = problems.find(({ code }) => code === 'volume-damaged') ?? problems[0];
  if (first === undefined) return results;
  throw new CharmError(
    first.code,
    problems.length === 1
      ? first.message
      : `${problems.length} of ${verified.length} repositories are damaged or could not be verified. The first: ${first.message}`,
    { results, problems },
  );
};

const damageResults = (verified: readonly VerifiedRepository[]): Record<string, string> => {
  const checks = verified.flatMap(({ checks: ofOne }) => ofOne);
  const packs = checks.flatMap((check) => check.packs);
  const errors = checks.flatMap((check) => check.errors);
  return {
    ...(packs.length > 0 && { 'damaged-packs': listText(packs, 20, 2000) }),
    ...(errors.length > 0 && { 'first-errors': listText(errors, 5, 2000) }),
  };
};

const requestOf = (parameters: Readonly<Record<string, unknown>>): VerifyRequest => {
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  const readData = text(parameters['read-data']);
  const restored = text(parameters['test-restore']);
  const testRestore =
    restored === undefined ? undefined : volumeParameter('test-restore', restored);
  const [, part, parts] = /^([1-9]\d{0,3})\/([1-9]\d{0,3})$/.exec(readData ?? '1/1') ?? [];
  if (part === undefined || Number(part) > Number(parts))
    throw new CharmError(
      'parameter-invalid',
      `read-data=${readData ?? ''} is not a part of the data, such as 1/28 for the first of 28 parts, or 1/1 for all. Nothing was verified.`,
    );
  const namespace = text(parameters['namespace']);
  if (namespace !== undefined && testRestore !== undefined && testRestore.namespace !== namespace)
    throw new CharmError(
      'parameter-invalid',
      `test-restore=${restored ?? ''} is not of the namespace ${namespace}. Nothing was verified.`,
    );
  return { namespace, readData, testRestore };
};
