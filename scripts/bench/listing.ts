import { createServer } from 'node:http';
import { madeUpObject } from './made-up.ts';

/**
 * A server that lists objects which it makes up, as many as it is told, in every bucket and under
 * every prefix. It checks no signatures and has nothing to give: enough to see what it costs that
 * nothing has changed.
 */
const count = Number(process.argv[2]);
const page = 1000;
let lists = 0;

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  response.setHeader('content-type', 'application/xml');
  if (url.searchParams.has('uploads')) {
    response.end(
      '<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>',
    );
    return;
  }
  if (request.method !== 'GET' || url.pathname.split('/').length > 3) {
    response.writeHead(404).end();
    return;
  }
  lists += 1;
  response.end(pageFrom(firstOf(url.searchParams), url.searchParams.get('prefix') ?? ''));
});

const firstOf = (query: URLSearchParams): number => {
  const startAfter = /run-(\d+)/.exec(query.get('start-after') ?? '')?.[1];
  if (startAfter !== undefined && !query.has('continuation-token')) return Number(startAfter) + 1;
  return Number(query.get('continuation-token') ?? query.get('marker') ?? 0);
};

const pageFrom = (first: number, prefix: string): string => {
  const last = Math.min(count, first + page);
  let contents = '';
  for (let index = first; index < last; index += 1) {
    const { key, lastModified, etag, size } = madeUpObject(index);
    contents += `<Contents><Key>${prefix}${key}</Key><LastModified>${lastModified}</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${size}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  }
  const more = last < count;
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${more ? `<NextContinuationToken>${last}</NextContinuationToken>` : ''}<KeyCount>${last - first}</KeyCount><MaxKeys>${page}</MaxKeys><EncodingType>url</EncodingType>${contents}</ListBucketResult>`;
};

process.on('message', () => {
  process.send?.({ counts: { ListObjectsV2: lists } });
  lists = 0;
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address)
    process.send?.({ url: `http://127.0.0.1:${address.port}` });
});
