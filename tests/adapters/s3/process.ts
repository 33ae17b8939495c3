import { openS3 } from '../../../src/adapters/s3/s3.ts';

/*
 * A process of its own, for what can only be seen from outside: that a large object is copied in
 * little memory, and that nothing keeps the process alive once the store is disposed of. Prints its
 * peak of memory in MiB.
 */
const [endpoint = '', accessKey = '', secretKey = ''] = process.argv.slice(2);
const clock = { now: () => new Date(), sleep: () => Promise.resolve() };
const store = openS3({
  endpoint,
  region: undefined,
  bucket: 'bench',
  style: 'path',
  accessKey,
  secretKey,
  clock,
});

const { size, body } = await store.get('large');
await store.put('put', body, { size });
const again = await store.get('large');
await store.upload('uploaded', again.body);
await store[Symbol.asyncDispose]();
console.log(Math.round(process.resourceUsage().maxRSS / 1024));
