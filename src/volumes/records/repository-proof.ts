import { ageText } from '../../text.ts';
import { timeOfSession } from './names.ts';
import {
  type RepositoryCheck,
  type RepositoryState,
  checkKinds,
  foundDamaged,
} from './repository-state.ts';
import type { StoredBackup } from './stored-backups.ts';

/** `checked 2d ago`, `1/28 read 5h ago`, `restored 10m ago`, `DAMAGED 1d ago`. */
export const proofText = ({ kind, at, about, intact }: RepositoryCheck, now: Date): string => {
  const age = `${ageText((now.getTime() - Date.parse(at)) / 1000)} ago`;
  if (!intact) return `DAMAGED ${age}`;
  if (kind === 'data') return `${about ?? 'part'} read ${age}`;
  return kind === 'restore' ? `restored ${age}` : `checked ${age}`;
};

/**
 * What is proven of a backup: damage of its repository that still stands, or the check that proves
 * most. A check knows nothing of what was backed up after it, and a restored backup
 * proves itself alone.
 */
export const proofOf = (
  {
    session,
    volume: { claim },
  }: Pick<StoredBackup, 'session'> & {
    readonly volume: Pick<StoredBackup['volume'], 'claim'>;
  },
  state: RepositoryState,
): RepositoryCheck | undefined => {
  const made = timeOfSession(session)?.getTime() ?? Infinity;
  const damage = foundDamaged(state);
  if (damage !== undefined) return damage;
  return state.checks
    .filter(
      ({ kind, intact, at, about }) =>
        intact && made < Date.parse(at) && (kind !== 'restore' || about === `${claim} ${session}`),
    )
    .toSorted((one, other) => checkKinds.indexOf(one.kind) - checkKinds.indexOf(other.kind))
    .at(-1);
};
