import { CharmError } from '../errors.ts';
import { layoutOf } from '../repository/layout.ts';
import { tableText } from '../text.ts';
import { keyFingerprint, repositoryPassword } from '../volumes/restic/keys.ts';
import { type RepositoryRecord, readRepository } from '../volumes/repositories/repositories.ts';
import { repositoryNames } from '../volumes/restic/repository-locks.ts';
import type { VolumeAccess } from '../world.ts';
import type { Action } from './action.ts';

/**
 * Shows the repositories of a namespace, and how to open the newest by hand with the operator's own
 * copy of the key. Shows the passwords only with `reveal`, because Juju keeps the results of
 * actions. Rejects with `volume-backup-missing` when the namespace has no repository.
 */
export const getVolumeKey: Action = async (world, _config, parameters) => {
  const namespace = String(parameters['namespace']);
  await using access = await world.openVolumes();
  const target = await world.openTarget();
  await using _store = target.store;
  const layout = layoutOf(target.prefix);
  const found: RepositoryRecord[] = [];
  for (const name of await repositoryNames(target.store, layout, [namespace])) {
    const record = await readRepository(target.store, layout, name);
    if (record?.namespace === namespace) found.push(record);
  }
  const newest = found.at(-1);
  if (newest === undefined)
    throw new CharmError(
      'volume-backup-missing',
      `The namespace ${namespace} has no repository, because none of its volumes was backed up. Run: juju run ${world.application}/leader list-volumes`,
    );
  const fingerprint = keyFingerprint(access.key);
  const opens = found.filter(({ key }) => key === fingerprint);
  return {
    repositories: tableText([
      ['REPOSITORY', 'CREATED', 'FINGERPRINT', 'VOLUMES-KEY'],
      ...found.map(({ name, created, key }) => [
        ...[name, created.slice(0, 10), key],
        key === fingerprint ? 'opens it' : 'is another',
      ]),
    ]),
    'how-to': howTo(access, newest.name),
    ...(parameters['reveal'] === true &&
      opens.length > 0 && {
        passwords: tableText([
          ['REPOSITORY', 'PASSWORD'],
          ...opens.map(({ name }) => [name, repositoryPassword(access.key, name)]),
        ]),
      }),
  };
};

/** For a shell in which the file `volumes-key` lies, and the keys of the bucket are set. */
const howTo = ({ storage: { endpoint, bucket, prefix } }: VolumeAccess, name: string): string =>
  [
    `export RESTIC_PASSWORD=$(printf %s ckf-backup/volumes/${name} | openssl dgst -sha256 -hmac "$(cat volumes-key)" | sed 's/.*= //')`,
    `restic -r s3:${endpoint}/${bucket}/${prefix}/volumes/repos/${name} snapshots`,
  ].join('\n');
