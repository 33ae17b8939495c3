import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { setPage } from '../../src/pages/set-page.ts';
import { backupIdAt } from '../../src/repository/layout.ts';
import { sessionPage } from '../../src/sessions/session-page.ts';
import type { Session } from '../../src/sessions/session.ts';
import { aManifest } from '../rigs/manifest.ts';
import { needs } from '../rigs/needs.ts';

const id = backupIdAt(new Date('2026-11-26T02:00:05Z'));
const place = { bucket: 'backups', prefix: 'ckf', application: 'ckf-backup' };
const hostile = `<script>document.title='run'</script><img src=x onerror="document.title='run'">'"&`;

const aSetPage = (running: readonly string[] = []): string =>
  setPage(
    place,
    aManifest({
      ...{ id, model: { name: 'kubeflow', uuid: 'u' }, running, consistent: running.length === 0 },
      ...{ started: '2026-11-26T02:00:05.000Z', finished: '2026-11-26T02:12:05.000Z' },
    }),
  );

const running: Session = {
  ...{ format: 1, id: '2026-11-26T02:00:00Z', trigger: 'schedule', phase: 'Running' },
  ...{ started: '2026-11-26T02:00:03Z', unit: 'ckf-backup/0' },
  ...{ task: '42', attempt: 2, code: 'store-denied', reason: 'S3 refuses the keys.' },
};
const session: Session = { ...running, phase: 'Failed', finished: '2026-11-26T02:10:03Z' };
const log = [
  '2026-11-26T02:00:03Z Checking whether a backup can be made',
  '2026-11-26T02:05:03Z Backup 2026-11-26T02:00:05Z: backing up the databases',
].join('\n');

describe('the page of a set', () => {
  it('says what it holds, what ran, and how to restore it', () => {
    const text = aSetPage(['workflow admin/train-abc']);
    for (const expected of [
      'Backup 2026-11-26T02:00:05Z',
      's3://backups/ckf/sets/2026-11-26T02:00:05Z/',
      'in 12m0s',
      'workflow admin/train-abc',
      'juju run ckf-backup/leader verify-backup backup-id=2026-11-26T02:00:05Z deep=true',
      'juju run ckf-backup/leader restore-control-plane backup-id=2026-11-26T02:00:05Z confirm=kubeflow --wait=6h',
    ])
      assert.ok(text.includes(expected), expected);
    assert.ok(!aSetPage().includes('What was running'));
  });

  it('says where databases lie that back up to a storage of their own, also when nobody knows', () => {
    const said = 'These databases back up to an S3 storage of their own';
    assert.ok(!aSetPage().includes(said));
    const [kfp, katib] = aManifest().databases.map(({ path: _, ...database }) => database);
    const location = {
      ...{ endpoint: 'https://s3.far.test', bucket: 'databases', region: 'eu-1' },
      path: `a/${hostile}`,
    };
    const databases = [{ ...kfp!, location }, katib!];
    const text = setPage(place, aManifest({ id, databases }));
    assert.ok(text.includes(said));
    assert.match(
      text,
      /<li>kfp-db: s3:\/\/databases\/a\/&lt;script&gt;.* at https:\/\/s3\.far\.test \(region eu-1\)<\/li>/,
    );
    assert.match(text, /<li>katib-db: location unknown<\/li>/);
    assert.doesNotMatch(text, /<(script|img)\b/);
  });
});

describe('the page of a session', () => {
  it('says how it ended, why, when each step was, and all that was said', () => {
    const text = sessionPage('ckf-backup', session, log);
    for (const expected of ['Failed', 'store-denied', 'S3 refuses the keys.', '5m0s', '42'])
      assert.ok(text.includes(expected), expected);
    assert.match(text, /margin-left:50\.00%;width:50\.00%/);
    assert.ok(text.includes(log));
  });

  it('is one too of a slot that got no run, and of a run that goes on', () => {
    const missed = sessionPage(
      'ckf-backup',
      {
        ...{
          format: 1,
          id: session.id,
          trigger: 'schedule',
          phase: 'Missed',
          unit: 'ckf-backup/0',
        },
        ...{ started: session.started, reason: 'Away.', slots: { count: 3, last: session.id } },
      },
      undefined,
    );
    assert.match(missed, /3, the last of them/);
    assert.doesNotMatch(missed, /Timeline|undefined|NaN/);
    assert.doesNotMatch(sessionPage('ckf-backup', running, log), /undefined|NaN/);
  });
});

/** Says in the title of the page around it which words of tables stand on more than one line. */
const measure = `
  const broken = [];
  let words = 0;
  for (const cell of document.querySelectorAll('td, th')) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode())
      for (const { 0: word, index } of texts.currentNode.data.matchAll(/[\\w.]+/g)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, index);
        range.setEnd(texts.currentNode, index + word.length);
        words += 1;
        if (new Set([...range.getClientRects()].map(({ top }) => top)).size > 1) broken.push(word);
      }
  }
  parent.document.title = words + ' words, broken: ' + broken.join(' ');
`;

describe('a page', () => {
  const pages = () => [
    aSetPage([hostile]),
    sessionPage('ckf-backup', { ...session, reason: hostile }, `${session.started} ${hostile}`),
  ];

  it('holds nothing from outside as markup, and asks for nothing from elsewhere', () => {
    for (const text of pages()) {
      assert.ok(text.includes('&lt;script&gt;'), text);
      assert.doesNotMatch(text, /<(script|img|link|iframe|object)\b/i);
      assert.doesNotMatch(text, /(src|href)\s*=\s*["']|url\(|@import/i);
      assert.match(text, /Content-Security-Policy"\s+content="default-src 'none'/);
    }
  });

  /** What Chromium makes of a file. */
  const domOf = async (text: string): Promise<string> => {
    const directory = await mkdtemp(join(tmpdir(), 'pages-'));
    try {
      const file = join(directory, 'page.html');
      await writeFile(file, text);
      const { stdout } = await execa(
        'chromium',
        [
          ...['--headless', '--no-sandbox', '--disable-gpu', '--dump-dom'],
          ...[`--user-data-dir=${join(directory, 'profile')}`, pathToFileURL(file).href],
        ],
        { stderr: 'ignore' },
      );
      return stdout;
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  };

  it('is shown by Chromium as it was written, and runs nothing', async function () {
    await needs(this, 'chromium');
    for (const text of pages()) {
      const dom = await domOf(text);
      assert.match(dom, /<title>(Backup|Session) 2026-11-26T02:00:0\dZ<\/title>/);
      assert.ok(dom.includes("&lt;script&gt;document.title='run'&lt;/script&gt;"), dom);
      assert.doesNotMatch(dom, /<(script|img)\b/);
    }
  });

  it('breaks no word or number of its tables, on a telephone either', async function () {
    await needs(this, 'chromium');
    for (const text of [aSetPage(), sessionPage('ckf-backup', session, log)])
      for (const width of [360, 1100]) {
        // The policy of the page would keep the measuring from running too.
        const measured = text
          .replace(/<meta\s+http-equiv[^]*?\/>/, '')
          .replace('</body>', `<script>${measure}</script></body>`)
          .replaceAll('&', '&amp;')
          .replaceAll('"', '&quot;');
        const frame = `<title></title><iframe width="${width}" height="900" srcdoc="${measured}"></iframe>`;
        assert.match(await domOf(frame), /<title>\d{2,} words, broken: <\/title>/);
      }
  });
});
