import { allTraits, describeRealServer } from '../../contracts/object-store.ts';
import { radosGwVersion, startRadosGw, type RadosGw } from '../../servers/s3/radosgw.ts';
import { testUser } from '../../servers/s3/server.ts';

const version = radosGwVersion();

// The reporter says which servers the tests ran against, so that one which is missing is not taken for one that passed.
if (version !== undefined)
  describe(`RadosGW ${version}`, () => {
    let server: RadosGw;
    before(async () => {
      server = await startRadosGw();
      await server.createBucket('bench');
    });
    after(() => server[Symbol.asyncDispose]());

    describeRealServer(
      `RadosGW ${version}`,
      () => ({
        endpoint: server.url,
        region: undefined,
        bucket: 'bench',
        style: 'path',
        ...testUser,
        clock: {
          now: () => new Date(),
          sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
        },
      }),
      allTraits,
    );
  });
