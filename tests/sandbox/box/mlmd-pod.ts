import { join } from 'node:path';
import type { PodDefinition } from '../../servers/kubernetes/pod.ts';

/**
 * The tools of ubuntu:20.04, which ML Metadata's image is built on: neither sqlite3 nor python3 is
 * among them.
 */
const baseTools = ['sh', 'bash', 'cat', 'gzip', 'tar', 'stat', 'od', 'rm', 'mv', 'ls', 'mktemp'];

/**
 * The pod of mlmd in CKF 1.9 and later: its volume is mounted in the server's container and, as
 * Juju does with every storage, in the charm's container, whose image has Python.
 */
export const mlmdPod = (directory: string, volume: string): PodDefinition => ({
  labels: { 'app.kubernetes.io/name': 'mlmd' },
  containers: {
    charm: {
      root: join(directory, 'charm'),
      mounts: { '/var/lib/juju/storage/mlmd-data/0': volume },
      programs: [...baseTools, 'python3'],
    },
    'mlmd-grpc-server': {
      root: join(directory, 'mlmd-grpc-server'),
      mounts: { '/data': volume },
      programs: baseTools,
    },
  },
});
