import { join } from 'node:path';
import type { Model } from '../model.ts';
import { addMysql, type MysqlApplication } from '../mysql-k8s.ts';
import { mysqlProfiles } from '../mysql/profiles.ts';
import type { Settings } from './settings.ts';

export type Databases = Readonly<Record<'kfp-db' | 'katib-db', MysqlApplication>>;

/** Deploys the applications of Charmed Kubeflow that a backup deals with. */
export const addApplications = (
  model: Model,
  directory: string,
  { mysql, databaseUnits }: Settings,
  pace: number,
): Databases => {
  const saysInHooks = 'Checking Kubernetes resources';
  for (const name of ['minio', 'mlmd', 'kfp-metadata-writer'])
    model.addApplication({ name, charm: name, saysInHooks });
  model.addApplication({ name: 's3-integrator', charm: 's3-integrator' });
  const database = (application: keyof Databases, schema: 'mlpipeline' | 'katib') =>
    addMysql(model, {
      application,
      database: schema,
      directory: join(directory, application),
      profile: mysqlProfiles[mysql],
      units: databaseUnits,
      pace,
    });
  return { 'kfp-db': database('kfp-db', 'mlpipeline'), 'katib-db': database('katib-db', 'katib') };
};
