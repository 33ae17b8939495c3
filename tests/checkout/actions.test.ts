import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { actionNames } from '../../src/actions/actions.ts';
import { camelCase, declaredActions, filesBelow, textOf } from './checkout.ts';

const actions = declaredActions();
const names = Object.keys(actions);
const sources = filesBelow('src/actions', /\.ts$/);
const tests = filesBelow('tests', /\.test\.ts$/).map(textOf);

/** As code has a name: in quotes, or in camel case as a property. */
const mentions = (text: string, name: string): boolean =>
  new RegExp(`['"\`]${name}['"\` ]|\\b(${name}|${camelCase(name)})\\b *[:,}]`).test(text);

describe('actions.yaml', () => {
  it('has the actions that the charm routes', () => {
    assert.deepEqual(names.toSorted(), [...actionNames].sort());
  });

  it('has one file in src/actions for each, named as the action is', () => {
    const files = sources
      .filter((path) => /^export const \w+: Action = /m.test(textOf(path)))
      .map((path) => basename(path, '.ts'));
    assert.deepEqual(files, names.toSorted());
  });

  it('says of each what it is and does, and allows no other parameters', () => {
    for (const [name, { title, description, additionalProperties }] of Object.entries(actions)) {
      assert.match(name, /^[a-z]+(-[a-z]+)*$/);
      assert.match(title ?? '', /^[A-Z]/, name);
      assert.match(description ?? '', /\.\n?$/, name);
      assert.equal(additionalProperties, false, name);
    }
  });

  it('gives each parameter a type, a description, and a default of that type unless it is required', () => {
    const types: Readonly<Record<string, string>> = { integer: 'number' };
    for (const [name, { params = {}, required = [] }] of Object.entries(actions))
      for (const [parameter, { type = '', description, ...rest }] of Object.entries(params)) {
        const where = `${name} ${parameter}`;
        assert.match(parameter, /^[a-z]+(-[a-z]+)*$/, where);
        assert.match(type, /^(boolean|integer|string)$/, where);
        assert.ok((description ?? '').length > 20, where);
        assert.equal('default' in rest, !required.includes(parameter), where);
        if ('default' in rest) assert.equal(typeof rest.default, types[type] ?? type, where);
        if (type === 'integer') assert.ok(rest.minimum !== undefined && rest.maximum !== undefined);
      }
  });

  it('has the parameters that the actions read', () => {
    const code = sources.map(textOf).join('\n');
    for (const [name, { params = {} }] of Object.entries(actions))
      for (const parameter of Object.keys(params))
        assert.ok(
          mentions(code, parameter),
          `nothing in src/actions reads ${parameter} of ${name}`,
        );
    for (const path of sources)
      for (const [, read = ''] of textOf(path).matchAll(/parameters\['([a-z-]+)'\]/g))
        assert.ok(read in (actions[basename(path, '.ts')]?.params ?? {}), `${path} reads ${read}`);
  });

  it('has no action and no parameter that no test mentions', () => {
    for (const [name, { params = {} }] of Object.entries(actions))
      for (const one of [name, ...Object.keys(params)])
        assert.ok(
          tests.some((text) => mentions(text, one)),
          `no test mentions ${one} of ${name}`,
        );
  });
});
