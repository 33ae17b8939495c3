import { CharmError, hasCode } from '../errors.ts';
import type { Databag, HookTools } from '../world.ts';
import type { OptionName } from './options.ts';

/**
 * Reads the user secret that an option names, in its newest revision. Rejects with
 * `secret-unreadable` and the command that mends it.
 */
export const readUserSecret = async (
  tools: HookTools,
  application: string,
  option: OptionName,
  id: string,
): Promise<Databag> => {
  try {
    return await tools.secret(id);
  } catch (cause) {
    if (hasCode(cause, 'juju-credentials-not-granted'))
      throw unreadable(option, 'is not granted to us', `juju grant-secret ${id} ${application}`);
    if (hasCode(cause, 'juju-credentials-missing'))
      throw unreadable(
        option,
        'does not exist in this model',
        `juju config ${application} ${option}=<the secret's URI>`,
      );
    throw cause;
  }
};

/** What is wrong with the secret of an option, as the end of a sentence, and what mends it. */
export const unreadable = (option: OptionName, problem: string, run: string): CharmError =>
  new CharmError(
    'secret-unreadable',
    `The secret of the option ${option} ${problem}. Run: ${run}`,
    {
      brief: { what: `Secret of ${option} unusable`, run },
    },
  );
