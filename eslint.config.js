import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Forbids a folder of `src` to import from the others named, so that the layers of the design hold. */
const layer = (files, forbidden, reason) => ({
  files,
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: forbidden.map((group) => ({ group: [group], message: reason })) },
    ],
  },
});

const sdks = ['@aws-sdk/*', '@smithy/*', '@kubernetes/*', '@canonical/*', 'execa', 'ws', 'undici'];

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', '.box/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { ignoreUsingDeclarations: true, argsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    files: ['**/*.js'],
    languageOptions: { globals: { console: 'readonly', process: 'readonly' } },
  },
  layer(
    ['src/world.ts', 'src/ports/**', 'src/errors.ts', 'src/event.ts', 'src/unless-aborted.ts'],
    [
      ...sdks,
      '**/adapters/**',
      '**/backup/**',
      '**/restore/**',
      '**/actions/**',
      '**/hooks/**',
      '**/charm.ts',
      '**/main.ts',
    ],
    'The ports, the errors and the event know nothing of what uses them.',
  ),
  layer(
    ['src/backup/**', 'src/restore/**', 'src/retention/**', 'src/sets/**'],
    [...sdks, '**/adapters/**', '**/actions/**', '**/hooks/**', '**/charm.ts', '**/main.ts'],
    'The story speaks to the ports of world.ts only.',
  ),
  layer(
    ['src/actions/**', 'src/hooks/**'],
    [...sdks, '**/adapters/**', '**/charm.ts', '**/main.ts'],
    'Actions and hooks call the story; adapters are handed to them.',
  ),
  layer(
    ['src/charm.ts'],
    [...sdks, '**/adapters/**', '**/main.ts'],
    'Only main.ts chooses adapters.',
  ),
  layer(
    ['src/adapters/**'],
    ['**/backup/**', '**/restore/**', '**/actions/**', '**/hooks/**', '**/charm.ts', '**/main.ts'],
    'An adapter implements one port and knows nothing of the story.',
  ),
  {
    files: ['src/**'],
    ignores: ['src/main.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'process', message: 'Only main.ts touches process.' },
      ],
    },
  },
  {
    files: ['tests/**'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
    },
  },
);
