import { CharmError } from './errors.ts';

/** What the status and an action say alike when nobody ran `juju trust`. */
export const notTrusted = (application: string): CharmError =>
  new CharmError(
    'kubernetes-denied',
    `Juju does not let this application speak to Kubernetes. Run: juju trust ${application} --scope=cluster`,
  );
