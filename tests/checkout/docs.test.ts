import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { referencePages } from '../../scripts/docs/reference.ts';
import { nextText, waitingText } from '../../src/hooks/schedule-text.ts';
import { root, textOf, writtenFiles } from './checkout.ts';

const pages = writtenFiles().filter((path) => path.endsWith('.md'));

/** Without blocks of code, whose brackets are not Markdown's. */
const prose = (path: string): string => textOf(path).replace(/^```[^]*?^```/gm, '');

/** The anchors that a page's headings get. */
const anchors = (path: string): readonly string[] =>
  [...prose(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replace(/\s/g, '-'),
  );

describe('the documentation', () => {
  it('has a reference that says what the files and the code say: npm run docs brings it up to date', async () => {
    for (const [path, text] of await referencePages()) assert.equal(textOf(path), text, path);
  });

  it('has no link that leads nowhere', () => {
    for (const page of pages)
      for (const [, link = ''] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(link)) continue;
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? page : normalize(join(dirname(page), path));
        assert.ok(existsSync(join(root, target)), `${page}: ${link}`);
        if (anchor !== undefined && target.endsWith('.md'))
          assert.ok(anchors(target).includes(anchor), `${page}: ${link}`);
      }
  });

  it('names only tests that there are, as proof of what happens when the charm is killed', () => {
    const rows = textOf('docs/reliability.md').match(/^\|.*\|$/gm) ?? [];
    const named = rows.flatMap((row) => [...row.matchAll(/`([a-z0-9-]+(?:\/[a-z0-9-]+)+)`/g)]);
    assert.ok(named.length > 10);
    for (const [, test = ''] of named)
      assert.ok(existsSync(join(root, 'tests', `${test}.test.ts`)), test);
  });

  it('names in CONTRIBUTING only files that there are', () => {
    const named = [
      ...prose('CONTRIBUTING.md').matchAll(/`((?:src|tests|docs|scripts)\/[^`<*]+)`/g),
    ];
    assert.ok(named.length > 10);
    for (const [, path = ''] of named) assert.ok(existsSync(join(root, path)), path);
  });

  it('can be reached, every page, from README.md', () => {
    assert.match(textOf('README.md'), /\]\(docs\/README\.md\)/);
    const linked = pages.flatMap((page) =>
      [...prose(page).matchAll(/\]\(([^)#\s]+)/g)].map(([, link = '']) =>
        normalize(join(dirname(page), link)),
      ),
    );
    for (const page of pages.filter(
      (path) => path.startsWith('docs/') && path !== 'docs/README.md',
    ))
      assert.ok(linked.includes(page), `nothing leads to ${page}`);
  });

  it('has a picture of three nights with the words of today’s status: npm run demo -- schedule draws it', () => {
    const picture = textOf('docs/images/three-nights.svg')
      .replaceAll(/<[^>]*>/g, '')
      .replaceAll(/\s+/g, ' ');
    const night = (day: number): Date => new Date(`2026-11-${day}T02:00:00Z`);
    const until = new Date('2026-11-27T08:00:00Z');
    const running = { kind: 'busy', running: ['a workflow'] } as const;
    const waiting = { slot: night(27), until, hindrance: running };
    const expected = [
      waitingText({ paused: false, waiting }),
      ...nextText({ paused: false, next: night(29) }),
    ];
    for (const text of expected) assert.ok(picture.includes(text ?? ''), text);
  });

  it('has pictures of a backup and a restore with today’s steps: node scripts/docs/timelines.ts draws them', () => {
    const wordsIn = (path: string): string => textOf(path).replaceAll(/<[^>]*>/g, '\n');
    const restore = wordsIn('docs/images/restore.svg');
    const announced = [
      ...textOf('src/restore/run-restore.ts').matchAll(/announce\(\s*(['`])(.*?)(?:\1|\$)/g),
    ].map(([, , doing = '']) => doing);
    assert.ok(announced.length >= 3);
    for (const doing of announced) assert.ok(restore.includes(doing), doing);
    const backup = wordsIn('docs/images/backup.svg');
    const chapters = ['databases', 'mlmd', 'second-units', 'buckets'].flatMap((file) =>
      [...textOf(`src/backup/${file}.ts`).matchAll(/timeline\s*\.during\(\s*`([^`]*)`/g)].map(
        ([, chapter = '']) => chapter.replace(/\$\{.*?\}/, '').trim(),
      ),
    );
    assert.ok(chapters.length >= 5);
    for (const chapter of chapters) assert.ok(backup.includes(chapter), chapter);
  });

  it('and all other files name neither a registry nor a path of somebody’s machine', () => {
    const names = [
      ['registry', 'npmjs'],
      ['deb', 'debian', 'org'],
      ['pypi', 'org'],
    ].map((parts) => parts.join('.'));
    const homes = new RegExp(
      `(^|[\\s"'\`(=])/(${['home', 'Users', 'root', 'work'].join('|')})/\\w`,
      'm',
    );
    for (const path of writtenFiles()) {
      const text = textOf(path);
      for (const name of names) assert.ok(!text.includes(name), `${path}: ${name}`);
      assert.doesNotMatch(text, homes, path);
    }
  });
});
