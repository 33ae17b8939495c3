import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { CharmError } from '../../errors.ts';

export interface AgentConf {
  /** PEM. The CA that has signed the controller's certificate. */
  readonly caCert: string;
  /** `host:port` */
  readonly apiAddresses: readonly string[];
}

/**
 * What the unit's own agent knows of its controller: `agent.conf`, next to the charm's folder
 * (agent/format-2.0.go; Juju's own controller charm reads it too). The file holds the agent's
 * password, so nothing else of it leaves this function, and no error quotes it.
 */
export const readAgentConf = async (path: string): Promise<AgentConf> => {
  const fields = await readFile(path, 'utf8').then(parseFields, () => undefined);
  const caCert = fields?.['cacert'];
  const addresses = fields?.['apiaddresses'];
  if (typeof caCert === 'string' && caCert !== '')
    return {
      caCert,
      apiAddresses: Array.isArray(addresses)
        ? addresses.filter((address) => typeof address === 'string')
        : [],
    };
  throw new CharmError(
    'juju-credentials-invalid',
    `The certificate of the Juju controller could not be read from ${path}. Put it into the secret of the option juju-credentials as ca-cert: juju show-controller prints it.`,
    { brief: { what: 'No CA certificate of the controller', run: 'juju show-controller' } },
  );
};

const parseFields = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const document: unknown = parse(text, { schema: 'failsafe' });
    return typeof document === 'object' && document !== null ? { ...document } : undefined;
  } catch {
    return undefined;
  }
};
