import { once } from 'node:events';
import { createServer } from 'node:http';
import { openS3Rig } from '../../rigs/s3.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';

describe('a reply that should be small', () => {
  it('is given up when it does not end', async () => {
    const piece = Buffer.alloc(2 ** 20, ' ');
    const server = createServer((_request, response) => {
      response.writeHead(200, { etag: '"x"', 'last-modified': new Date(0).toUTCString() });
      const more = (): void => {
        while (!response.destroyed && response.write(piece));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    try {
      await using rig = await openS3Rig({}, {}, () => `http://127.0.0.1:${port}`);
      await rejectsWithCode(rig.store.read('manifest.json'), 'store-refused');
      await rejectsWithCode(Array.fromAsync(rig.store.list('')), 'store-refused');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
