import { isBackupId } from '../../backup/backup-id.ts';
import type { BackupManifest } from '../../backup/manifest.ts';
import { CharmError } from '../../errors.ts';
import { readSet } from '../../sets/read-set.ts';
import type { Target, World } from '../../world.ts';
import { passwordCommands } from '../databases.ts';
import type { RestoreRequest } from '../restore-request.ts';

/** The set that is to be restored. Rejects when there is none of that id, or its manifest cannot be trusted. */
export const findSet = async (
  target: Target,
  { backupId }: RestoreRequest,
): Promise<BackupManifest> => {
  if (!isBackupId(backupId)) {
    throw new CharmError(
      'parameter-invalid',
      `backup-id=${backupId} is not the id of a backup set, which looks like 2026-11-21T20:15:00Z. See juju run ckf-backup/leader list-backups.`,
    );
  }
  return readSet(target, backupId);
};

/** What an operator has to say differently. Nothing of this depends on the state of the model. */
export function* requestProblems(
  { model }: Pick<World, 'model'>,
  request: RestoreRequest,
  manifest: BackupManifest | undefined,
): Generator<CharmError> {
  if (!request.dryRun && request.confirm !== model.name) {
    yield new CharmError(
      'parameter-invalid',
      `A restore replaces what is in the model ${model.name} now, so it has to be confirmed by that model's name: confirm=${model.name}` +
        ` (or see first what it would do, with dry-run=true).`,
    );
  }
  if (manifest === undefined) return;
  const lacking = request.components?.filter((name) => !manifest.components.includes(name)) ?? [];
  if (lacking.length > 0) {
    yield new CharmError(
      'parameter-invalid',
      `The set ${manifest.id} does not have the components ${lacking.join(', ')}; it has ${manifest.components.join(', ')}.`,
    );
  }
  if (manifest.model.uuid !== model.uuid && request.fromModel !== manifest.model.name)
    yield otherModel(model, request, manifest);
}

/** The components that are restored, in the order of the manifest. */
export const componentsOf = (
  { components }: RestoreRequest,
  manifest: BackupManifest,
): readonly string[] =>
  manifest.components.filter((name) => components === undefined || components.includes(name));

const otherModel = (
  model: World['model'],
  request: RestoreRequest,
  manifest: BackupManifest,
): CharmError => {
  const databases = manifest.databases.filter(({ component }) =>
    componentsOf(request, manifest).includes(component),
  );
  const passwords = databases
    .map(({ application }) => ` For ${application}: ${passwordCommands(application)}.`)
    .join('');
  return new CharmError(
    'parameter-invalid',
    `The set ${manifest.id} was made by the model ${manifest.model.name} (${manifest.model.uuid}), not by this one (${model.name}, ${model.uuid}).` +
      (databases.length > 0
        ? ` Its databases bring the passwords of that model with them, which this model has to know before.${passwords} Then say`
        : ' Say') +
      ` from-model=${manifest.model.name} to restore it here.`,
  );
};
