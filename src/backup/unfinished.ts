import { CharmError } from '../errors.ts';
import type { JournalEntry } from '../world.ts';
import { listText } from './wording.ts';

/** What the journal says is still to be put back, and how it is done by hand. */
export const unfinished = (entries: readonly JournalEntry[], why?: CharmError): CharmError => {
  const changes = entries.map(
    ({ application, scale, changedTo }) => `${application} (${changedTo}, was ${scale})`,
  );
  const commands = entries.map(
    ({ application, scale }) => `juju scale-application ${application} ${scale}`,
  );
  return new CharmError(
    'scale-refused',
    `An interrupted operation changed the scale of ${listText(changes)}, which is still to be put back. The charm tries again at each hook;` +
      ` by hand: ${commands.join('; ')}.${why === undefined ? '' : ` ${why.message}`}`,
    { cause: why },
  );
};
