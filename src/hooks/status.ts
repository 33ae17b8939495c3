import { sizeText } from '../backup/wording.ts';
import { type CharmError, errorCodes } from '../errors.ts';
import type { LastBackup, Status } from '../world.ts';

/** What a unit's status depends on. */
export interface Facts {
  readonly leader: boolean;
  /** Everything that stands in the way of a backup; the more important ones first. */
  readonly problems: readonly CharmError[];
  /** Of this unit: each unit has a journal of its own. */
  readonly lastBackup: LastBackup | undefined;
}

/** The most severe thing to say: what somebody must act on, then what passes by itself, then when the last backup was made. */
export const statusOf = ({ leader, problems, lastBackup }: Facts): Status => {
  const blocking = problems.find(({ code }) => errorCodes[code] === 'operator');
  const passing = problems.find(({ code }) => errorCodes[code] === 'transient');
  const problem = blocking ?? passing;
  if (problem !== undefined)
    return {
      name: blocking === undefined ? 'waiting' : 'blocked',
      message: `${problem.message} [${problem.code}]${others(problems.length - 1)}`,
    };
  if (!leader) return { name: 'active', message: 'Ready; the leader makes the backups' };
  if (lastBackup === undefined)
    return { name: 'active', message: 'Ready; this unit has made no backup yet' };
  const { id, bytes, consistent, verified } = lastBackup;
  const words = [
    `Ready; last backup ${id}`,
    sizeText(bytes),
    ...(consistent ? [] : ['not consistent']),
    ...(verified === undefined ? [] : [`verified ${verified}`]),
  ];
  return { name: 'active', message: words.join(', ') };
};

const others = (count: number): string => (count === 0 ? '' : ` (and ${count} more)`);
