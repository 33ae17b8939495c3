import assert from 'node:assert/strict';
import { errorCodes } from '../../src/errors.ts';
import { filesBelow, textOf } from './checkout.ts';

describe('the error codes', () => {
  const sources = filesBelow('src', /\.ts$/)
    .filter((path) => path !== 'src/errors.ts')
    .map(textOf);

  it('are all used', () => {
    for (const code of Object.keys(errorCodes))
      assert.ok(
        sources.some((text) => text.includes(`'${code}'`)),
        `nothing in src uses ${code}`,
      );
  });

  it('are all in the reference, each with its kind, its cause and its cure, in the order of the list', () => {
    const sections = textOf('docs/reference/errors.md').split(/^### /m).slice(1);
    assert.deepEqual(
      sections.map((section) => /^`([a-z-]+)`\n/.exec(section)?.[1]),
      Object.keys(errorCodes),
    );
    for (const section of sections) {
      const code = /[a-z-]+/.exec(section)?.[0];
      const passes = Object.entries(errorCodes).some(
        ([known, kind]) => known === code && kind === 'transient',
      );
      assert.equal(section.includes('Passes by itself'), passes, section);
      assert.match(section, /^\*\*Cause\.\*\* \S/m, section);
      assert.match(section, /^\*\*Cure\.\*\* \S/m, section);
    }
  });

  it('are what the reference names in brackets and code', () => {
    for (const path of filesBelow('docs', /\.md$/))
      for (const [, code = ''] of textOf(path).matchAll(/\[`?([a-z]+(?:-[a-z]+)+)`?\](?![(:[])/g))
        assert.ok(code in errorCodes, `${path}: ${code}`);
  });
});
