import type { S3Options } from '../../../src/adapters/s3/options.ts';
import { describeRealServer } from '../../contracts/object-store.ts';
import { radosGwVersion, startRadosGw, type RadosGw } from '../../servers/s3/radosgw.ts';
import type { S3Quirk } from '../../servers/s3/quirks.ts';
import { testUser } from '../../servers/s3/server.ts';

const version = radosGwVersion();

/** Of RadosGW with versioning: before 20 no condition of a PUT is heeded there, and 20 lets all racers win. */
const quirks = new Set<S3Quirk>(
  Number(version?.split('.')[0]) < 20 ? ['loses-conditions-in-versions'] : ['lets-racers-win'],
);

// The reporter says which servers the tests ran against, so that one which is missing is not taken for one that passed.
if (version !== undefined)
  describe(`RadosGW ${version}`, () => {
    let server: RadosGw;
    before(async () => {
      server = await startRadosGw();
      await server.createBucket('bench');
      await server.createVersionedBucket('versioned');
    });
    after(() => server[Symbol.asyncDispose]());

    const options = (bucket: string) => (): S3Options => ({
      endpoint: server.url,
      region: undefined,
      bucket,
      style: 'path',
      ...testUser,
      clock: {
        now: () => new Date(),
        sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
      },
    });
    describeRealServer(`RadosGW ${version}`, options('bench'));
    describeRealServer(`RadosGW ${version} with versioning`, options('versioned'), quirks);
  });
