import { CharmError } from '../../src/errors.ts';
import { reconcile } from '../../src/hooks/reconcile.ts';
import type { Unit } from '../../src/hooks/unit.ts';
import type { JujuModel, World } from '../../src/world.ts';
import { databags, s3Secret, secretKey } from '../dispatch/world-of-relations.ts';
import { FakeHookTools } from '../fakes/hook-tools.ts';
import { FakeKubernetes } from '../fakes/kubernetes.ts';
import { FakeJournal } from '../fakes/journal.ts';

const hook = (name: string, relationId?: string) => ({ kind: 'hook', name, relationId }) as const;

/** A unit whose relations, options and credentials are all right. */
export const unitRig = () => {
  const tools = new FakeHookTools();
  const journal = new FakeJournal();
  const kubernetes = new FakeKubernetes();
  kubernetes.denied.add('workflows');
  tools.options = { 'juju-credentials': 'secret:d3n8r2e5kg0c73fhvb10' };
  tools.relations.set('s3-credentials:4', {
    application: 's3-integrator',
    remote: databags.track2,
    ours: {},
  });
  tools.relations.set('object-storage:5', {
    application: 'minio',
    remote: databags.minio,
    ours: {},
  });
  tools.secrets.set(`secret:${s3Secret}`, {
    content: { 'access-key': 'AK', 'secret-key': secretKey },
    granted: true,
    grants: [],
  });
  tools.secrets.set('secret:d3n8r2e5kg0c73fhvb10', {
    content: { username: 'backup', password: 'a password' },
    granted: true,
    grants: [],
  });
  const rig = {
    tools,
    journal,
    /** It lets nobody list workflows whom Juju does not trust. */
    kubernetes,
    access: 'write' as JujuModel['access'],
    loginProblem: undefined as CharmError | undefined,
    logins: 0,
    unsettled: [] as CharmError[],
    exporter: { ensured: 0, stopped: 0, problem: undefined as CharmError | undefined },
  };
  const unit: Unit = {
    application: 'ckf-backup',
    model: 'kubeflow',
    modelUuid: '6bf1b3d6-4d1c-4a60-8b4c-0d9ad6f7a2c1',
    unitName: 'ckf-backup/0',
    exporter: {
      ensure: async () => {
        rig.exporter.ensured++;
        return rig.exporter.problem;
      },
      stop: async () => {
        rig.exporter.stopped++;
      },
    },
    version: '1.2.3',
    tools,
    journal,
    now: () => new Date('2026-11-26T10:49:30Z'),
    openWorld: async () => {
      const openJuju = async (): Promise<JujuModel> => {
        rig.logins++;
        if (rig.loginProblem) throw rig.loginProblem;
        const juju: Partial<JujuModel> = {
          ...{ user: 'backup', access: rig.access },
          [Symbol.asyncDispose]: async () => {},
        };
        return juju as JujuModel;
      };
      const openTarget = async (): Promise<never> => {
        throw new CharmError('store-unreachable', 'S3 is away.');
      };
      const openKubernetes = async () => kubernetes;
      return { journal, openJuju, openKubernetes, openTarget } as Partial<World> as World;
    },
    putBack: async () => {
      if (rig.unsettled.length === 0) journal.kept.clear();
      return rig.unsettled;
    },
  };
  return Object.assign(rig, { unit, run: (name: string) => reconcile(unit, hook(name)) });
};
