import { spawn } from 'node:child_process';
import { repositoryPassword } from '../../src/volumes/restic/keys.ts';
import type { Box } from '../sandbox/box.ts';
import { volumeTool } from '../sandbox/box/volume-tools.ts';
import { volumesKey } from '../sandbox/box/volumes.ts';

/**
 * restic on a user's repository, with the keys of the bucket, as an operator runs it; through
 * rclone, because the S3 server of the box does not know restic's own signed streams. With an open
 * stdin it goes on until `end`. Rejects with what it said when it fails.
 */
export const resticByHand = (
  { box }: { readonly box: Box },
  repository: string,
  command: readonly string[],
  { stdin, cwd }: { readonly stdin?: 'open'; readonly cwd?: string } = {},
): Promise<string> & { end(): void } => {
  const { accessKey, secretKey, endpoint, bucket } = box.stores.backups;
  const rclone = `rclone.program=${volumeTool('rclone') ?? ''}`;
  const child = spawn(volumeTool('restic') ?? '', [...command, '--no-cache', '-o', rclone], {
    cwd,
    env: {
      RESTIC_REPOSITORY: `rclone:box:${bucket}/${box.prefix}/volumes/repos/${repository}`,
      RESTIC_PASSWORD: repositoryPassword(volumesKey, repository),
      RCLONE_CONFIG: '/dev/null',
      RCLONE_CONFIG_BOX_TYPE: 's3',
      RCLONE_CONFIG_BOX_PROVIDER: 'Other',
      RCLONE_CONFIG_BOX_ENDPOINT: endpoint,
      RCLONE_CONFIG_BOX_ACCESS_KEY_ID: accessKey,
      RCLONE_CONFIG_BOX_SECRET_ACCESS_KEY: secretKey,
      RCLONE_CONFIG_BOX_NO_CHECK_BUCKET: 'true',
      PATH: '/usr/bin:/bin',
    },
    stdio: [stdin === 'open' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(said);
      else reject(new Error(`restic ${command.join(' ')} ended with ${String(code)}: ${said}`));
    });
  });
  return Object.assign(ended, {
    end: () => {
      child.stdin?.end('by hand');
    },
  });
};

/** Asks until there is an answer, for a minute. */
export const until = async <T>(ask: () => T | undefined): Promise<T> => {
  for (let attempt = 0; attempt < 3000; attempt += 1) {
    const answer = ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('it did not come');
};
