import { newRelation } from '../../servers/unit-agent/state.ts';
import type { Model } from '../model.ts';
import type { BackupUnit } from './backup-unit.ts';
import { type Neighbours, react } from './neighbours.ts';

/** The integrations of a complete deployment: interface, provider and requirer. */
export const integrations = [
  ['s3', 's3-integrator:s3-credentials', 'ckf-backup:s3-credentials'],
  ['object-storage', 'minio:object-storage', 'ckf-backup:object-storage'],
  ['s3', 'ckf-backup:kfp-db', 'kfp-db:s3-parameters'],
  ['s3', 'ckf-backup:katib-db', 'katib-db:s3-parameters'],
] as const;

/** The integration of one of our endpoints. */
export const integrationOf = (endpoint: string): (typeof integrations)[number] => {
  const ours = `ckf-backup:${endpoint}`;
  const found = integrations.find(([, ...sides]) => sides.some((side) => side === ours));
  if (found === undefined) throw new Error(`there is no endpoint ${endpoint}`);
  return found;
};

/** `juju integrate`: adds the relation and runs its first hooks. */
export const integrate = async (
  model: Model,
  unit: BackupUnit,
  neighbours: Neighbours,
  [interfaceName, provider, requirer]: readonly [string, string, string],
): Promise<void> => {
  const { state } = unit.agent;
  const isOurs = (side: string) => side.startsWith(`${state.application}:`);
  const [ours, theirs] = isOurs(provider) ? [provider, requirer] : [requirer, provider];
  const endpoint = ours.slice(ours.indexOf(':') + 1);
  const remote = theirs.slice(0, theirs.indexOf(':'));
  const { id } = model.addRelation(interfaceName, provider, requirer);
  const relation = newRelation(id, endpoint, remote);
  state.relations.push(relation);
  await react(neighbours, model, state, relation);
  const remoteUnit = `${remote}/0`;
  await unit.hook({ hook: `${endpoint}-relation-created`, relation: id });
  await unit.hook({ hook: `${endpoint}-relation-joined`, relation: id, remoteUnit });
  await unit.hook({ hook: `${endpoint}-relation-changed`, relation: id, remoteUnit });
  await settle(model, unit, neighbours);
};

/** `juju remove-relation`. */
export const disintegrate = async (
  model: Model,
  unit: BackupUnit,
  neighbours: Neighbours,
  endpoint: string,
): Promise<void> => {
  const { state } = unit.agent;
  const relation = state.relations.find((candidate) => candidate.endpoint === endpoint);
  if (relation === undefined) throw new Error(`nothing is related to ${endpoint}`);
  relation.broken = true;
  await unit.hook({ hook: `${endpoint}-relation-broken`, relation: relation.id });
  state.relations = state.relations.filter((other) => other !== relation);
  model.change(({ relations }) => {
    relations.splice(
      relations.findIndex(({ id }) => id === relation.id),
      1,
    );
  });
  await neighbours.databases[endpoint]?.s3Changed(undefined);
};

/** Lets the other charms answer, and Juju tell us, until nobody has anything new to say. */
export const settle = async (
  model: Model,
  unit: BackupUnit,
  neighbours: Neighbours,
): Promise<void> => {
  const { state } = unit.agent;
  for (let round = 0; round < 20; round++) {
    let news = false;
    for (const relation of state.relations) {
      if (!(await react(neighbours, model, state, relation))) continue;
      news = true;
      await unit.hook({ hook: `${relation.endpoint}-relation-changed`, relation: relation.id });
    }
    if (!news) return;
  }
  throw new Error('the charms do not stop answering each other');
};
