import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { mayImport, rooms, sdks } from './scripts/floors.ts';

/**
 * The floors of `src` as rules: what a room may not import, and that only adapters import the
 * packages of outside systems.
 */
const floorRules = rooms.map((room) => ({
  files: [room.endsWith('.ts') ? `src/${room}` : `src/${room}/**`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: rooms
              .filter((other) => !mayImport(room, other))
              .map((other) => (other.endsWith('.ts') ? `**/${other}` : `**/${other}/**`)),
            message: `src/${room} stands below that, or beside it: see scripts/floors.ts.`,
          },
          ...(room === 'adapters'
            ? []
            : [{ group: sdks, message: 'Only adapters know the packages of outside systems.' }]),
        ].filter(({ group }) => group.length > 0),
      },
    ],
  },
}));

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
  ...floorRules,
  {
    // A tired reader's eye finds the next line of a hundred columns, not of three hundred.
    files: ['**/*.ts'],
    rules: { 'max-len': ['error', { code: 1000, comments: 100, ignoreUrls: true }] },
  },
  {
    files: ['src/**'],
    rules: {
      // A call with five arguments does not tell what each of them is.
      '@typescript-eslint/max-params': ['error', { max: 4 }],
    },
  },
  {
    files: ['src/**'],
    ignores: ['src/main.ts', 'src/serve-metrics.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        {
          name: 'process',
          message: 'Only main.ts and serve-metrics.ts, which begin processes, touch process.',
        },
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
