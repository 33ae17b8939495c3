import type { Look, Unprotected } from '../../assurance/unprotected.ts';
import type { VolumePattern } from '../../config/volumes.ts';
import { layoutOf } from '../../repository/layout.ts';
import { countText, listText } from '../../text.ts';
import type { World } from '../../world.ts';
import { type PlannedVolume, planVolumes } from '../claims/plan.ts';
import { type SkipReason, matches, pausedAnnotation, skipTexts } from '../claims/policy.ts';
import { allBackups } from './stored-backups.ts';

type AskedWorld = Pick<World, 'application' | 'clock' | 'openCluster' | 'openTarget'>;

/** A volume that has no backup, and why it gets none; undefined when the next backup takes it. */
interface Bare extends Omit<PlannedVolume, 'skip'> {
  readonly why: SkipReason | undefined;
}

const everything: VolumePattern = { namespace: '*', claim: '*' };

/** These hold nothing that anybody keeps. */
const holdNothing: readonly (SkipReason | undefined)[] = ['temporary', 'deleting', 'not-bound'];

/** The volumes of Kubeflow’s users of which there is no backup, by what stands in the way. */
export const unprotectedVolumes: Look<AskedWorld> = {
  kind: 'volume',
  find: async (world, { volumes: { key, patterns, inUse } }) => {
    await using cluster = await world.openCluster();
    const use = { mode: inUse, now: world.clock.now() };
    const all = (await planVolumes(cluster, [everything, ...patterns], use)).filter(
      ({ skip }) => !holdNothing.includes(skip),
    );
    if (all.length === 0) return [];
    if (key === undefined) return [switchedOff(world, all)];
    const names = await withBackup(world, all);
    const bare = all
      .filter((volume) => !names.has(nameOf(volume)))
      .map((volume): Bare => ({ ...volume, why: whyBare(volume, patterns) }));
    return reasons.flatMap(({ why, text, command }) => {
      const group = bare.filter((volume) => volume.why === why);
      if (group.length === 0) return [];
      return [{ ...described(group, text), command: command(world.application, group, patterns) }];
    });
  },
};

/** All volumes were planned as if the option meant them. */
const whyBare = (
  { claim, skip }: PlannedVolume,
  patterns: readonly VolumePattern[],
): SkipReason | undefined =>
  patterns.some(
    ({ namespace, claim: name }) =>
      matches(namespace, claim.namespace) && matches(name, claim.name),
  )
    ? skip
    : 'excluded';

const nameOf = ({ claim }: Pick<PlannedVolume, 'claim'>): string =>
  `${claim.namespace}/${claim.name}`;

const described = (
  volumes: readonly Pick<PlannedVolume, 'claim'>[],
  text: string,
): Pick<Unprotected, 'count' | 'what'> => ({
  count: volumes.length,
  what: `${countText(volumes.length, 'volume')} of users (${text}): ${listText(volumes.map(nameOf), 5, 200)}`,
});

const switchedOff = (
  { application }: AskedWorld,
  volumes: readonly PlannedVolume[],
): Unprotected => ({
  ...described(volumes, 'option volumes-key is not set'),
  command:
    `openssl rand -hex 32 > volumes-key; juju add-secret volumes-key key#file=volumes-key; juju grant-secret volumes-key ${application};` +
    ` juju config ${application} volumes-key=<the secret's URI>; juju run ${application}/leader backup-volumes`,
});

/** Reads the sessions, newest first, until each of these volumes was found in one. */
const withBackup = async (
  world: AskedWorld,
  volumes: readonly PlannedVolume[],
): Promise<ReadonlySet<string>> => {
  const target = await world.openTarget();
  await using _store = target.store;
  const wanted = new Set(volumes.map(nameOf));
  const found = new Set<string>();
  for await (const { volume } of allBackups(target.store, layoutOf(target.prefix))) {
    const name = `${volume.namespace}/${volume.claim}`;
    if (wanted.has(name)) found.add(name);
    if (found.size === wanted.size) break;
  }
  return found;
};

const backUp = (application: string): string => `juju run ${application}/leader backup-volumes`;

const reasons: readonly {
  readonly why: SkipReason | undefined;
  readonly text: string;
  readonly command: (
    application: string,
    volumes: readonly Bare[],
    patterns: readonly VolumePattern[],
  ) => string;
}[] = [
  { why: undefined, text: 'no backup yet', command: backUp },
  {
    why: 'excluded',
    text: 'left out by the option volumes',
    command: (application, volumes, patterns) =>
      `juju config ${application} volumes=${[...patterns.map(({ namespace, claim }) => `${namespace}/${claim}`), ...volumes.map(nameOf)].join(',')}`,
  },
  {
    why: 'paused',
    text: 'paused',
    command: (_, volumes) => [...new Set(volumes.map(goOn))].join('; '),
  },
  {
    why: 'in-use-rwop',
    text: 'in use, ReadWriteOncePod',
    command: (application) => `${backUp(application)}   # once the pods that use them have stopped`,
  },
  ...(['in-use', 'in-use-busy', 'in-use-other'] as const).map((why) => ({
    why,
    text: skipTexts[why],
    command: (application: string) => `${backUp(application)} in-use=live`,
  })),
  {
    why: 'block-mode',
    text: 'block devices',
    command: () => 'kubectl get volumesnapshotclasses   # only a snapshot of its storage saves one',
  },
];

const goOn = ({ claim, namespace }: Bare): string =>
  namespace.annotations[pausedAnnotation] === 'true'
    ? `kubectl annotate namespace ${claim.namespace} ${pausedAnnotation}-`
    : `kubectl annotate persistentvolumeclaim --namespace ${claim.namespace} ${claim.name} ${pausedAnnotation}-`;
