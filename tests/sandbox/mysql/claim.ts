import type { Database } from './database.ts';
import { missingParameters, openRepository } from './repository.ts';

const claimName = 'group_replication_id.txt';

/**
 * What the leader does when its S3 parameters change, from revision 248 on: it claims the path with
 * its group's id, or blocks when another group did. Failures to read or write are ignored, as the
 * charm does.
 */
export const claimPath = async (database: Database): Promise<void> => {
  const { cluster, profile } = database;
  if (!profile.claimsPath) return;
  const parameters = database.s3();
  if (parameters === undefined) {
    cluster.blocked = '';
    database.refresh();
    return;
  }
  if (missingParameters(parameters).length > 0) return;
  using repository = openRepository(parameters);
  const owner = (await repository.read(claimName))?.toString().trim();
  if (owner === undefined) {
    await repository.put(claimName, cluster.groupId).catch(() => undefined);
    // The collector of binary logs starts with the relation and uploads its first file at once.
    await repository
      .put(`binlogs/binlog_${Math.floor(Date.now() / 1000)}`, cluster.groupId)
      .catch(() => undefined);
  }
  cluster.blocked =
    owner === undefined || owner === cluster.groupId
      ? ''
      : 'S3 repository claimed by another cluster';
  database.refresh();
};
