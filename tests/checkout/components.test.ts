import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow, root } from './checkout.ts';

const operations = ['backup', 'restore', 'retention', 'verify'];
const components = readdirSync(join(root, 'src/components'));

describe('the components', () => {
  it('have a folder each', () => {
    assert.deepEqual(components.sort(), ['buckets', 'databases', 'mlmd']);
  });

  for (const component of components)
    it(`have a chapter in each operation: ${component}`, () => {
      const files = operations.flatMap((operation) => filesBelow(`src/${operation}`, /\.ts$/));
      for (const operation of operations)
        assert.ok(files.includes(`src/${operation}/${component}.ts`), operation);
    });
});
