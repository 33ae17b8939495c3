import type { ObjectStore } from '../../world.ts';
import { readAsOf } from './as-of.ts';
import { createClient } from './client.ts';
import { createCopierFrom } from './copy-from.ts';
import { createCopier } from './copy.ts';
import { deleteKeys } from './delete.ts';
import { listBuckets } from './list-buckets.ts';
import { listUploads } from './list-uploads.ts';
import { createLinker } from './link.ts';
import { createLister } from './listing.ts';
import type { S3Options } from './options.ts';
import { abortParts, startParts } from './parts.ts';
import { createProtection } from './protection.ts';
import { putObject } from './put.ts';
import { createReader } from './read.ts';
import { createThawer } from './thaw.ts';
import { createUploader } from './upload.ts';

/*
 * This folder is the object store on S3: requests are signed, sent, retried and explained here.
 * Start with client.ts for what happens to each request.
 */

export type { S3Advice, S3Options } from './options.ts';

/**
 * One bucket of an S3 server: AWS, MinIO since RELEASE.2021-09-03 and RadosGW since 16. Connects
 * when it is first used; dispose of it to close its connections. Conditions (`ifAbsent`, `ifMatch`)
 * hold only where the server heeds them. Charmed Kubeflow's MinIO of 2021 silently ignores them, as
 * RadosGW does in buckets with versioning, so nothing that matters relies on them.
 */
export const openS3 = (options: S3Options): ObjectStore => {
  const client = createClient(options);
  const present: ObjectStore = {
    description: client.description,
    ...createLister(client),
    ...createReader(client),
    ...createThawer(client),
    bucketNames: () => listBuckets(options),
    ...createProtection(client),
    link: createLinker(options),
    put: (key, body, putOptions) => putObject(client, key, body, putOptions),
    upload: createUploader(client),
    startParts: (key, metadata) => startParts(client, key, metadata),
    unfinishedUploads: (prefix) => listUploads(client, prefix),
    abortUpload: (key, uploadId) => abortParts(client, key, uploadId),
    copy: createCopier(client),
    ...createCopierFrom(client),
    delete: (keys) => deleteKeys(client, keys),
    asOf: (time) => ({ ...present, ...readAsOf(client, time) }),
    [Symbol.asyncDispose]: () => client.close(),
  };
  return present;
};
