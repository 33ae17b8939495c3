import { createObjectListWriter } from '../../src/repository/object-list-writer.ts';
import type { ListedObject } from '../../src/repository/object-list.ts';

/** The object of this number, as the listing server and the list of an earlier pass have it. */
export const madeUpObject = (index: number) => {
  const number = String(index).padStart(8, '0');
  return {
    key: `artifacts/run-${number}/2026/11/21/pod/main.log`,
    size: 4096,
    etag: `d41d8cd98f00b204e9800998${number}`,
    lastModified: '2026-11-21T20:15:00.000Z',
  } satisfies ListedObject;
};

/** The list of a pass before, which had all of them; without it each would be asked for. */
export const writeMadeUpList = async (file: string, count: number): Promise<void> => {
  await using list = createObjectListWriter(file);
  for (let index = 0; index < count; index += 1) {
    list.add({ ...madeUpObject(index), metadata: { contentType: 'text/plain' } });
    if (index % 10_000 === 0) await list.drained();
  }
  await list.close();
};
