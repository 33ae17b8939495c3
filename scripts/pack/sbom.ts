import type { BundledPackage } from './packages.ts';

/**
 * The charm's bill of materials in CycloneDX 1.6: what was bundled, and the Node that runs it. It
 * has neither a time nor a serial number, so that the same charm has the same one.
 *
 * @param charm our own name and version
 */
export const sbomOf = (
  charm: { readonly name: string; readonly version: string; readonly license: string },
  packages: readonly BundledPackage[],
  runtime: BundledPackage,
) => {
  const refs = new Map(packages.map((one) => [one.directory, purlOf(one)]));
  const own = purlOf(charm);
  const everything = [...refs.values(), purlOf(runtime)];
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': own,
        name: charm.name,
        version: charm.version,
        purl: own,
        ...licencesOf(charm.license),
      },
    },
    components: [
      ...packages.map((one) => component(one, 'library')),
      component(runtime, 'platform'),
    ],
    dependencies: [
      { ref: own, dependsOn: [...new Set(everything)] },
      ...packages.map((one) => ({
        ref: purlOf(one),
        dependsOn: one.imports.flatMap((directory) => refs.get(directory) ?? []),
      })),
      { ref: purlOf(runtime), dependsOn: [] },
    ],
  };
};

const component = (one: BundledPackage, type: 'library' | 'platform') => {
  const [, group, name = one.name] = /^(@[^/]+)\/(.+)$/.exec(one.name) ?? [];
  return {
    type,
    'bom-ref': purlOf(one),
    ...(group !== undefined && { group }),
    name,
    version: one.version,
    hashes: [{ alg: 'SHA-512', content: hexOf(one.integrity) }],
    ...licencesOf(one.licence),
    purl: purlOf(one),
  };
};

/** An SPDX id stands by itself; `(MIT OR Apache-2.0)` is an expression. */
const licencesOf = (licence: string): object => ({
  licenses: /[ (]/.test(licence) ? [{ expression: licence }] : [{ license: { id: licence } }],
});

const purlOf = ({ name, version }: { readonly name: string; readonly version: string }): string =>
  `pkg:npm/${name.replace('@', '%40')}@${version}`;

const hexOf = (integrity: string): string =>
  Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
