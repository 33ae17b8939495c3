import { CharmError } from '../../errors.ts';
import { fieldsOf, textOf } from '../../ports/fields.ts';
import { type CommandEnd, commandFailure } from './repository-command.ts';
import { type RepositoryCheck, actionAgain } from '../records/repository-state.ts';
import { firstLine } from './restic.ts';

/** What `restic check` or `restic restore --verify` found. */
export interface CheckFindings {
  readonly intact: boolean;
  /** The first that was wrong. */
  readonly errors: readonly string[];
  /** Full ids of the packs that are missing or damaged. */
  readonly packs: readonly string[];
}

const mostErrors = 20;

/**
 * Reads what `restic check --json` wrote (restic 0.18 and later: a summary at the end, one message
 * for each error). Throws `volume-command-failed`, or `volume-locked`, when it ended without having
 * looked.
 */
export const readCheck = (repository: string, ended: CommandEnd): CheckFindings => {
  const lines = ended.output.split('\n').map(parse);
  const summary = lines.find((fields) => fields['message_type'] === 'summary');
  if (summary === undefined)
    throw commandFailure(repository, { task: 'check', command: ['check'] }, ended);
  const errors = lines.flatMap((fields) => {
    const message = textOf(fields['message']).trim();
    const isError = fields['message_type'] === 'error';
    // Advice of restic about itself, which has no place in a result.
    return isError && /^(error|pack|tree|blob|snapshot|index)\b/i.test(message)
      ? [firstLine(message)]
      : [];
  });
  const broken = summary['broken_packs'];
  const packs = [
    ...(Array.isArray(broken) ? broken.map(textOf) : []),
    ...errors.flatMap((message) => /^(?:error: )?pack ([0-9a-f]{64})\b/.exec(message)?.[1] ?? []),
  ];
  const intact = ended.exitCode === 0 && summary['num_errors'] === 0;
  return { intact, errors: errors.slice(0, mostErrors), packs: [...new Set(packs)] };
};

/**
 * Reads what `restic restore --verify --json` wrote: a message for each file that could not be
 * restored, or that differs from the backup.
 */
export const readTestRestore = (repository: string, ended: CommandEnd): CheckFindings => {
  if (ended.exitCode === 0) return { intact: true, errors: [], packs: [] };
  const errors = ended.output.split('\n').flatMap((line) => {
    const fields = parse(line);
    if (fields['message_type'] !== 'error') return [];
    const message = textOf(fieldsOf(fields['error'])['message']) || textOf(fields['message']);
    return [firstLine(`${textOf(fields['item'])}: ${message}`)];
  });
  if (errors.length === 0)
    throw commandFailure(repository, { task: 'restore', command: ['restore'] }, ended);
  return { intact: false, errors: errors.slice(0, mostErrors), packs: [] };
};

const parse = (line: string) => {
  try {
    return fieldsOf(JSON.parse(line));
  } catch {
    return {};
  }
};

/** What an operator reads of damage, with the objects by their keys and what can be done. */
export const damageOf = (
  repository: string,
  place: string,
  { errors, packs, ...check }: Pick<RepositoryCheck, 'kind' | 'about' | 'errors' | 'packs'>,
): CharmError => {
  const keys = packs.map((pack) => `${place}data/${pack.slice(0, 2)}/${pack}`);
  const first = keys[0] ?? errors[0] ?? 'restic gave no reason';
  return new CharmError(
    'volume-damaged',
    `The repository ${repository} is damaged (${packs.length > 0 ? `${packs.length} packs` : `${errors.length} errors`}, the first: ${first}). All its backups stay. Bring these objects back from the bucket's versions, or repair the repository as the how-to "A damaged repository" says. Then run: ${actionAgain(check)}`,
  );
};
