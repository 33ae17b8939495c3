import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Workloads } from '../../servers/kubernetes/workloads.ts';
import { newSecret } from '../../servers/unit-agent/state.ts';
import type { Box } from '../box.ts';
import { volumeTool } from './volume-tools.ts';

/** The notebooks' volumes of three users, of whom one writes all the while. */
export interface UserVolumes extends AsyncDisposable {
  readonly workloads: Workloads;
  /** The directory of a volume. */
  at(volume: string): string;
  /** The user who writes all the while stops. */
  stopWriting(): void;
}

export const volumesKey = 'the key of the box, which nobody else has: 5f2c91';

const secretId = 'd3n8r2e5kg0c73fhvv0l';

/** Adds users with volumes to a box; what is in the directory from an earlier time stays. */
export const addVolumes = async (box: Box, directory: string): Promise<UserVolumes> => {
  const workloads = new Workloads({
    directory,
    model: box.kubernetes.objects.namespace,
    program: volumeTool,
  });
  box.kubernetes.workloads = workloads;
  for (const user of ['alice', 'bob', 'carol']) {
    addProfile(workloads, user);
    const known = existsSync(join(directory, user)) ? readdirSync(join(directory, user)) : [];
    for (const claim of new Set([...known, user === 'bob' ? 'data' : 'lab-workspace'])) {
      addClaim(workloads, user, claim);
      if (!known.includes(claim)) fill[user]?.(workloads.directoryOf(user, claim));
    }
  }
  workloads.addUserPod('alice', 'lab-0', 'lab-workspace');
  const notes = join(workloads.directoryOf('alice', 'lab-workspace'), 'notes.log');
  const writing = setInterval(() => {
    if (existsSync(join(notes, '..'))) appendFileSync(notes, `${new Date().toISOString()} note\n`);
  }, 20);
  writing.unref();
  const { state } = box.unit.agent;
  if (!state.secrets.some(({ id }) => id === secretId))
    state.secrets.push(newSecret(secretId, 'user', { key: volumesKey }, [state.application]));
  await box.configure({ 'volumes-key': `secret:${secretId}` });
  const stopWriting = (): void => {
    clearInterval(writing);
  };
  return {
    workloads,
    at: (volume) => workloads.directoryOf(...(volume.split('/') as [string, string])),
    stopWriting,
    [Symbol.asyncDispose]: async () => {
      stopWriting();
      await workloads[Symbol.asyncDispose]();
    },
  };
};

export const addProfile = (
  workloads: Workloads,
  user: string,
  owner = `${user}@example.com`,
): void => {
  workloads.store.create('namespaces', '', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: user,
      labels: { 'app.kubernetes.io/part-of': 'kubeflow-profile' },
      annotations: { owner },
    },
  });
};

/** As the API makes one: bound at once. */
export const addClaim = (
  workloads: Workloads,
  namespace: string,
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
): void => {
  workloads.answer(
    'POST',
    new URL(`http://x/api/v1/namespaces/${namespace}/persistentvolumeclaims`),
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { namespace, name },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '5Gi' } },
        storageClassName: 'csi-rawfile-default',
        ...spec,
      },
    },
  );
};

/**
 * What Node cannot make: a socket that nobody serves, a pipe, and extended attributes, of which one
 * is a capability of a program.
 */
const oddFiles = `
import os, socket, struct
socket.socket(socket.AF_UNIX).bind('kernel.sock')
os.mkfifo('pipe')
os.setxattr('secret', 'user.origin', b'lab')
if os.getuid() == 0:
    os.setxattr('ping', 'security.capability', struct.pack('<5I', 0x02000001, 1 << 13, 0, 0, 0))
`;

const fill: Readonly<Record<string, (directory: string) => void>> = {
  /** One of each kind of file that a home folder may have. */
  alice: (directory) => {
    const at = (name: string) => join(directory, name);
    for (const folder of ['thesis', 'empty', '.cache', 'lost+found']) mkdirSync(at(folder));
    chmodSync(at('empty'), 0o2775);
    writeFileSync(at('thesis/chapter-1.ipynb'), '{"cells": []}\n');
    writeFileSync(at('thesis/Größe – 大きさ.csv'), 'a,b\n1,2\n');
    writeFileSync(Buffer.concat([Buffer.from(`${directory}/latin-`), Buffer.of(0xe9)]), 'é\n');
    writeFileSync(at('secret'), 'only mine\n', { mode: 0o600 });
    writeFileSync(at('run.sh'), '#!/bin/sh\n');
    chmodSync(at('run.sh'), 0o755);
    writeFileSync(at('ping'), 'a program\n', { mode: 0o755 });
    writeFileSync(at('sparse'), 'x');
    truncateSync(at('sparse'), 8 * 2 ** 20);
    linkSync(at('run.sh'), at('run-again.sh'));
    symlinkSync('thesis/chapter-1.ipynb', at('latest'));
    symlinkSync('/nowhere', at('dangling'));
    writeFileSync(at('.cache/downloads'), 'not worth it');
    execFileSync('python3', ['-c', oddFiles], { cwd: directory });
    if (process.getuid?.() === 0)
      for (const name of ['thesis', 'thesis/chapter-1.ipynb', 'secret', 'run.sh'])
        chownSync(at(name), 1000, 100);
  },
  bob: (directory) => {
    for (let file = 0; file < 300; file += 1) {
      mkdirSync(join(directory, `part-${file % 10}`), { recursive: true });
      writeFileSync(join(directory, `part-${file % 10}`, `row-${file}`), `${file}\n`.repeat(file));
    }
  },
  carol: (directory) => {
    const blocks = Array.from({ length: 20_000 }, (_, index) =>
      createHash('sha512').update(`block ${index}`).digest(),
    );
    writeFileSync(join(directory, 'model.bin'), Buffer.concat(blocks));
  },
};
