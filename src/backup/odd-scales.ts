import type { ApplicationPlan } from '../operation/applications.ts';
import { listFolders } from '../retention/survey.ts';
import { layoutOf } from '../repository/layout.ts';
import { readStarted, type StartedScale } from '../repository/started.ts';
import { countText } from '../text.ts';
import type { ApplicationStatus, Target } from '../world.ts';
import type { DatabasePlan } from './applications.ts';

/**
 * Warns of scales that an interrupted operation may have left: those that the mark of a dead backup
 * names, and those that an application has only during a backup. The journal of this unit knows its
 * own. This finds those of another unit, or of a journal that was lost.
 */
export const oddScales = async (
  plan: ApplicationPlan<DatabasePlan>,
  target: Target,
): Promise<readonly string[]> => {
  const applications = [
    ...plan.databases.map(({ application }) => application),
    ...(plan.writer ? [plan.writer] : []),
  ];
  const left = await scalesOfDead(target);
  return applications.flatMap((application) => {
    const { name, scale } = application;
    const known = left.find((one) => one.application === name && one.changedTo === scale);
    if (known !== undefined)
      return `${name} has ${countText(scale, 'unit')}, as a backup that died left it: it had ${known.scale} before. juju scale-application ${name} ${known.scale}`;
    return oddity(application, application === plan.writer);
  });
};

const scalesOfDead = async ({ store, prefix }: Target): Promise<readonly StartedScale[]> => {
  const layout = layoutOf(prefix);
  const scales: StartedScale[] = [];
  for (const { id, objects } of (await listFolders(store, layout)).folders)
    if (!objects.some(({ key }) => key === layout.manifest(id)))
      scales.push(...(await readStarted(store, layout, id)).scales);
  return scales;
};

const oddity = ({ name, scale }: ApplicationStatus, isWriter: boolean): readonly string[] => {
  if (isWriter)
    return scale > 0
      ? []
      : [
          `${name} has no unit, so new artifacts are not recorded. When that is not meant: juju scale-application ${name} 1`,
        ];
  return scale === 2
    ? [
        `${name} has 2 units, as it has while it is backed up, and a cluster of two does not outlive the loss of one. When that is not meant: juju scale-application ${name} 1`,
      ]
    : [];
};
