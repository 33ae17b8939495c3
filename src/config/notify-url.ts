import { CharmError, hasCode } from '../errors.ts';
import type { Databag, HookTools } from '../world.ts';
import type { Config } from './config.ts';

/** Where notices go. The whole of the URL is a secret: who knows it can write there. */
export interface NotifyAddress {
  readonly url: string;
  /** For backups of volumes; undefined when they have none of their own. */
  readonly volumesUrl: string | undefined;
  /** PEM of a private certificate authority. */
  readonly ca: string | undefined;
}

/**
 * Reads the secret of the option notify-url, in its newest revision; undefined when the option is
 * not set. Rejects with `notify-url-unusable`, and never says what the secret holds.
 */
export const readNotifyUrl = async (
  tools: Pick<HookTools, 'secret'>,
  { notifyUrl: id }: Pick<Config, 'notifyUrl'>,
  application: string,
): Promise<NotifyAddress | undefined> => {
  if (id === undefined) return undefined;
  const {
    url = '',
    'volumes-url': volumesUrl = '',
    'ca-cert': ca = '',
  } = await readSecret(tools, id, application);
  if (!isWebAddress(url.trim()))
    throw unusable(
      `The secret of the option notify-url has no key url with an address that begins with https:// or http://.`,
      `juju update-secret ${id} url#file=<file with it>`,
    );
  if (volumesUrl.trim() !== '' && !isWebAddress(volumesUrl.trim()))
    throw unusable(
      `The key volumes-url of the secret of the option notify-url has no address that begins with https:// or http://.`,
      `juju update-secret ${id} url#file=<file with it> volumes-url#file=<file with it>`,
    );
  return {
    url: url.trim(),
    volumesUrl: volumesUrl.trim() || undefined,
    ca: ca.trim() || undefined,
  };
};

const readSecret = async (
  tools: Pick<HookTools, 'secret'>,
  id: string,
  application: string,
): Promise<Databag> => {
  try {
    return await tools.secret(id);
  } catch (cause) {
    if (hasCode(cause, 'juju-credentials-missing'))
      throw unusable(
        `The option notify-url names ${id}, which does not exist in this model.`,
        `juju config ${application} notify-url=<the secret's URI>`,
        cause,
      );
    if (hasCode(cause, 'juju-credentials-not-granted', 'juju-tool-failed'))
      throw unusable(
        `The secret of the option notify-url cannot be read.`,
        `juju grant-secret ${id} ${application}`,
        cause,
      );
    throw cause;
  }
};

const isWebAddress = (text: string): boolean =>
  URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);

const unusable = (what: string, run: string, cause?: unknown): CharmError =>
  new CharmError(
    'notify-url-unusable',
    `${what} Backups are made, and nobody is told of them. Run: ${run}`,
    { ...(cause !== undefined && { cause }), brief: { what: 'notify-url cannot be used', run } },
  );
