import { passwordCommands } from '../components/databases/stored-backup.ts';
import type { Config } from '../config/config.ts';
import { CharmError } from '../errors.ts';
import type { Heartbeat } from '../operation/heartbeat.ts';
import { layoutOf, type BackupId } from '../repository/layout.ts';
import type { BackupManifest } from '../repository/manifest.ts';
import { countText } from '../text.ts';
import type { ArchiveCheck } from '../verify/archive.ts';
import { verifyBucket } from '../verify/buckets.ts';
import { verifyDatabase } from '../verify/databases.ts';
import { verifyBytes } from '../verify/mlmd.ts';
import { createDamages, damagesText, type VerifyWork } from '../verify/verification.ts';
import type { Target, World } from '../world.ts';

/**
 * The problems of the action's parameters and of the set that they name. They do not depend on the
 * state of the model.
 */
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
  const isOwn = manifest.model.uuid === model.uuid;
  if (!isOwn && request.fromModel !== manifest.model.name)
    yield otherModel(model, request, manifest);
  if (isOwn && request.fromModel !== undefined && request.fromModel !== manifest.model.name) {
    yield new CharmError(
      'parameter-invalid',
      `from-model=${request.fromModel} is not the model that made the set ${manifest.id}: that is this one, ${model.name}. Leave from-model out, or choose another set.`,
    );
  }
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

/** What an operator asked of `restore-control-plane`. */
export interface RestoreRequest {
  readonly backupId: BackupId;
  /** Components of the set; undefined: all. */
  readonly components: readonly string[] | undefined;
  /** Report what would be done, and change nothing. */
  readonly dryRun: boolean;
  /** Delete the objects of the bucket that the set does not have. */
  readonly deleteExtra: boolean;
  /** Buckets of the set that go to a bucket of another name, with that name. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Go on although something runs. */
  readonly allowRunning: boolean;
  /**
   * Bring back what is left of a bucket when the backup of some of its objects is lost or damaged.
   */
  readonly allowDamaged: boolean;
  /** Have S3 thaw what cannot be read. */
  readonly thaw: boolean;
  /** Go on although the signature of the set is missing or wrong. */
  readonly allowUnsigned: boolean;
  /** Must be the name of this model. */
  readonly confirm: string;
  /** Must be the name of the model that made the set, when that is another one. */
  readonly fromModel: string | undefined;
  /** Make the path in S3 this model's when it belongs to another one. */
  readonly takeOver: boolean;
  /** Read the set as it was at this time, in a bucket that keeps versions. */
  readonly asOf?: Date | undefined;
  /** How long a database may take to gain or lose a unit. */
  readonly timeoutSeconds: number;
}

interface SetToRestore {
  readonly target: Target;
  readonly manifest: BackupManifest;
  readonly components: readonly string[];
  /** See `RestoreRequest`. */
  readonly allowDamaged: boolean;
  readonly archive: ArchiveCheck;
}

/**
 * The problems of a set that is damaged or cannot be read now. Looks for everything that the set
 * has of the components to restore, as a shallow `verify-backup` does, and also reads the dump of
 * ML Metadata, which is small. So damage is found before anything is changed.
 */
export const setProblems = async (
  world: World,
  config: Pick<Config, 'transfers'>,
  heartbeat: Heartbeat,
  { target, manifest, components, allowDamaged, archive }: SetToRestore,
): Promise<readonly CharmError[]> => {
  const { store, prefix } = target;
  const { clock, progress, signal, scratch } = world;
  const damages = createDamages(progress);
  // With allow-damaged, lost objects do not stop the restore, but a lost object list does.
  const lost = allowDamaged ? createDamages(progress) : damages;
  let objects = 0;
  let onlyObjects = !allowDamaged;
  const work: VerifyWork = {
    ...{ store, clock, signal, scratch, damages, archive },
    layout: layoutOf(prefix),
    deep: false,
    width: config.transfers,
    count: (checked) => {
      objects += checked.objects ?? 0;
    },
    note: (message) => progress.note(message),
  };
  await heartbeat.during(
    () => `verifying the set: ${countText(objects, 'object')} looked at`,
    async () => {
      for (const database of manifest.databases)
        if (components.includes(database.component))
          await verifyDatabase(work, database, manifest.databases);
      if (manifest.mlmd && components.includes('mlmd')) await verifyBytes(work, manifest.mlmd);
      onlyObjects &&= damages.count === 0;
      if (components.includes('mlpipeline'))
        for (const bucket of manifest.buckets) {
          const isListIntact = await verifyBucket({ ...work, damages: lost }, bucket);
          onlyObjects &&= isListIntact;
          if (allowDamaged && !isListIntact)
            await damages.found(`${bucket.bucket}: its object list cannot be read`);
        }
    },
  );
  const archived = archive.problem(`the backup ${manifest.id}`);
  const problems = archived ? [archived] : [];
  if (damages.count === 0) return problems;
  const hint = onlyObjects ? ', or what is left with allow-damaged=true' : '';
  return [
    new CharmError(
      'set-damaged',
      `The backup ${manifest.id} is damaged ${damagesText(damages)}. Restore another set, or the components that are intact with components=...${hint}`,
    ),
    ...problems,
  ];
};
