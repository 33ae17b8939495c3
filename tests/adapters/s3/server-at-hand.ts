import { randomBytes } from 'node:crypto';
import { systemClock } from '../../../src/adapters/clock.ts';
import type { S3Options } from '../../../src/adapters/s3/options.ts';
import { openS3 } from '../../../src/adapters/s3/s3.ts';
import { probeServer, serverText } from '../../../src/operation/probe-server.ts';
import { describeRealServer } from '../../contracts/object-store.ts';
import { targetIn } from '../../rigs/target.ts';
import { quirksAtHand, serverAtHand } from '../../servers/s3/places.ts';
import { createBucket } from '../../servers/s3/radosgw.ts';
import { testUser } from '../../servers/s3/server.ts';

const describeServer = (url: string): void => {
  describe(`the server at ${url}`, () => {
    const bucket = `bench-${randomBytes(6).toString('hex')}`;
    const options = (): S3Options => ({
      ...{ endpoint: url, region: undefined, bucket, style: 'path' as const },
      ...{ ...testUser, clock: systemClock },
    });
    before(() => createBucket(url, bucket));

    it('can be tried out', async () => {
      await using store = openS3(options());
      console.log(`      ${serverText(await probeServer(targetIn(store), systemClock))}`);
    });

    describeRealServer(url, options, quirksAtHand);
  });
};

// For those who want to know a server: S3_SERVER=http://127.0.0.1:9000, see tests/README.md. Its name
// keeps it out of the run of all tests, where a file without any test counts as failed.
if (serverAtHand !== undefined) describeServer(serverAtHand);
