import { CharmError } from '../errors.ts';
import { type Config, parseConfig } from './config.ts';

/** The options, with the default in place of each that is wrong. */
export interface LenientConfig {
  readonly config: Config;
  /** What is wrong, by the name of the option. */
  readonly problems: ReadonlyMap<string, CharmError>;
}

/**
 * For the status and for `check`, which look at everything even when an option is wrong. No option
 * depends on another, so each is read alone.
 */
export const lenientConfig = (
  given: Readonly<Record<string, unknown>>,
  application: string,
): LenientConfig => {
  const problems = new Map<string, CharmError>();
  const right = Object.entries(given).filter(([name, value]) => {
    try {
      parseConfig({ [name]: value }, application);
    } catch (error) {
      if (!(error instanceof CharmError)) throw error;
      problems.set(name, error);
    }
    return !problems.has(name);
  });
  return { config: parseConfig(Object.fromEntries(right), application), problems };
};
