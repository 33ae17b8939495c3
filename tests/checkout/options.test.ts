import assert from 'node:assert/strict';
import { options } from '../../src/config/options.ts';
import { parseConfig } from '../../src/config/config.ts';
import { createAuthority } from '../servers/network/certificates.ts';
import { camelCase, declaredOptions, filesBelow, textOf } from './checkout.ts';

const declared = Object.entries(declaredOptions());

const examplesOf = (description = ''): readonly string[] =>
  (/Examples?: (.*)$/m.exec(description)?.[1] ?? '')
    .split('; ')
    .map((example) => example.trim())
    .filter((example) => example !== '');

const { ca } = await createAuthority();

/** Of `@file` Juju hands on what is in the file. */
const valueOf = (type: string, text: string): unknown =>
  type === 'int'
    ? Number(text)
    : type === 'boolean'
      ? text === 'true'
      : text.replace(/^@ca\.pem$/, ca);

describe('config.yaml', () => {
  it('has the options that the charm parses', () => {
    assert.deepEqual(declared.map(([name]) => name).sort(), Object.keys(options).sort());
  });

  it('describes every option, with an example that the charm accepts', () => {
    for (const [name, { type, description }] of declared) {
      assert.match(name, /^[a-z]+(-[a-z0-9]+)*$/);
      const examples = examplesOf(description);
      assert.notEqual(examples.length, 0, name);
      for (const example of examples)
        assert.doesNotThrow(
          () => parseConfig({ [name]: valueOf(type, example) }),
          `${name}=${example}`,
        );
    }
  });

  it('gives each option that is no secret a default', () => {
    for (const [name, option] of declared)
      assert.equal('default' in option, option.type !== 'secret', name);
  });

  it('has no option that no test mentions', () => {
    const tests = filesBelow('tests', /\.test\.ts$/).map(textOf);
    for (const [name] of declared) {
      const mentioned = new RegExp(`['"\`]${name}['"\`]|\\b(${name}|${camelCase(name)})\\b *[:=,]`);
      assert.ok(
        tests.some((text) => mentioned.test(text)),
        `no test mentions the option ${name}`,
      );
    }
  });
});
