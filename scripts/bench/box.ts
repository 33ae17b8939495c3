import { startS3Server } from '../../tests/servers/s3/server.ts';

/**
 * One of the box's S3 servers in a process of its own, which tells its parent its address, and on
 * request what it was asked.
 */
const [profile, directory, port] = process.argv.slice(2);
if (profile !== 'minio-2021' && profile !== 'target') throw new Error('no such profile');
const server = await startS3Server({
  profile,
  ...(directory !== undefined && { directory }),
  port: Number(port ?? 0),
});
process.on('message', () => {
  const counts: Record<string, number> = {};
  for (const { operation } of server.requests) counts[operation] = (counts[operation] ?? 0) + 1;
  server.requests.length = 0;
  process.send?.({ counts });
});
process.on('disconnect', () => {
  void server.close();
});
process.send?.({ url: server.url });
