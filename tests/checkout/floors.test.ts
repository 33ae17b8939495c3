import assert from 'node:assert/strict';
import { dirname, join, normalize } from 'node:path';
import { floors, foldersOfVolumes, mayImport, rooms } from '../../scripts/floors.ts';
import { filesBelow, textOf } from './checkout.ts';

/** The room of a file of `src`: its first folder, or the file itself when it lies in none. */
const roomOf = (path: string): string => path.split('/')[1] ?? '';

/** The files of `src` that each file imports, types and imports at run time included. */
const imports = new Map(
  filesBelow('src', /\.ts$/).map((path) => [
    path,
    [...textOf(path).matchAll(/(?:from |import |import\()\s*'(\.[^']+)'/g)]
      .map(([, specifier = '']) => normalize(join(dirname(path), specifier)))
      .filter((imported) => imported.startsWith('src/')),
  ]),
);

describe('the floors of src', () => {
  it('are all of its rooms', () => {
    const found = [...new Set([...imports.keys()].map(roomOf))].sort();
    assert.deepEqual(found, [...rooms].sort());
  });

  it('are on the maps of README and of the architecture, all but the words of the ground', () => {
    const [ground = []] = floors;
    const onTheMap = rooms.filter((room) => !(ground.includes(room) && room.endsWith('.ts')));
    for (const page of ['README.md', 'docs/explanation/architecture.md'])
      for (const room of onTheMap) {
        const name = room.endsWith('.ts') ? `\`${room}\`` : `\`${room}/\``;
        assert.ok(textOf(page).includes(name), `${page}: ${room}`);
      }
  });

  it('have no file of more than 250 lines', () => {
    const lines = (path: string): number => textOf(path).split('\n').length - 1;
    const long = [...imports.keys()].filter((path) => lines(path) > 250);
    assert.deepEqual(long, []);
  });

  it('have no arrow up', () => {
    const up = [...imports].flatMap(([from, files]) =>
      files.filter((to) => !mayImport(roomOf(from), roomOf(to))).map((to) => `${from} -> ${to}`),
    );
    assert.deepEqual(up, []);
  });

  it('are kept to between the folders of users’ volumes, too', () => {
    const folderOf = (path: string): string =>
      /^src\/volumes\/(\w+)\//.exec(path)?.[1] ?? (roomOf(path) === 'volumes' ? 'stories' : '');
    const order = [...foldersOfVolumes, 'stories'];
    const found = [...new Set([...imports.keys()].map(folderOf))].filter(Boolean);
    assert.deepEqual(found.sort(), order.toSorted());
    const up = [...imports].flatMap(([from, files]) =>
      files
        .filter(
          (to) => folderOf(from) && order.indexOf(folderOf(to)) > order.indexOf(folderOf(from)),
        )
        .map((to) => `${from} -> ${to}`),
    );
    assert.deepEqual(up, []);
  });

  it('have no circle between files', () => {
    assert.deepEqual(circles(), []);
  });

  it('let nothing but the actions use the story of a backup', () => {
    const users = [...imports].flatMap(([from, files]) =>
      files.some((to) => roomOf(to) === 'backup') ? [roomOf(from)] : [],
    );
    assert.deepEqual([...new Set(users)].sort(), ['actions', 'backup']);
  });

  it('have a file in each folder that says what the folder is for', () => {
    const silent = [...Map.groupBy(imports.keys(), dirname)]
      .filter(([, files]) => !files.some((file) => textOf(file).includes('/*\n * This folder ')))
      .map(([folder]) => folder);
    // What lies in `src` itself is in the README's map.
    assert.deepEqual(silent.sort(), ['src']);
  });

  it('let an arrow up and a circle be seen', () => {
    assert.ok(!mayImport('repository', 'backup'));
    assert.ok(!mayImport('verify', 'restore'));
    assert.ok(!mayImport('actions', 'adapters'));
    assert.ok(floors.flat().every((room) => mayImport('main.ts', room)));
    assert.deepEqual(circles(new Map([['a', ['b']], ['b', ['c', 'a']], ['c', []]])), ['b -> a']); // prettier-ignore
  });
});

/** The imports that close a circle, each as the names of two files. */
function circles(graph: ReadonlyMap<string, readonly string[]> = imports): string[] {
  const closing: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (file: string): void => {
    state.set(file, 'open');
    for (const next of graph.get(file) ?? []) {
      if (state.get(next) === 'open') closing.push(`${file} -> ${next}`);
      else if (!state.has(next)) visit(next);
    }
    state.set(file, 'done');
  };
  for (const file of graph.keys()) if (!state.has(file)) visit(file);
  return closing;
}
