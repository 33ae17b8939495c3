import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import { parseManifest } from '../../src/repository/stored-manifest.ts';
import { destroy, objectsOf, tablesOf } from '../rigs/box-contents.ts';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { needs } from '../rigs/needs.ts';
import type { Box } from '../sandbox/box.ts';
import { rowsOf } from '../sandbox/mysql/data-file.ts';
import { commandsOf, openShell, type Shell } from './runbook.ts';

/**
 * The objects without what rclone changes: it adds times of its own, and the ETag is another one
 * when the parts are.
 */
const plain = (objects: ReturnType<typeof objectsOf>): unknown =>
  JSON.parse(
    JSON.stringify(objects, (name, value: unknown) =>
      name === 'etag' || /^x-amz-meta-[mb]time$/.test(name) ? undefined : value,
    ),
  );

const backUp = async (box: Box): Promise<string> => {
  const { status, message, results } = await box.run('backup-control-plane');
  assert.equal(status, 'completed', message);
  return String(results['backup-id']);
};

/**
 * The blocks of docs/restore.md are run as they stand there; only endpoints, keys and the id are
 * filled in.
 */
describe('what docs/restore.md says by hand', () => {
  const resources = new AsyncDisposableStack();
  let box: Box;
  let shell: Shell;
  let directory: string;
  let older: { readonly id: string; readonly objects: Readonly<Record<string, unknown>> };
  let newest: typeof older;
  let tables: Readonly<Record<string, unknown>>;

  /** The commands that come before all others, for a set. */
  const preamble = (id: string): string => {
    const [text = ''] = commandsOf('## By hand');
    const { backups, source } = box.stores;
    return text
      .replace('https://s3.example.com access_key_id=… secret_access_key=…', filledIn(backups))
      .replace('http://127.0.0.1:9000 access_key_id=… secret_access_key=…', filledIn(source))
      .replace(/^ID=.*$/m, `ID=${id}`);
  };
  const filledIn = ({ endpoint, accessKey, secretKey }: Box['stores']['source']): string =>
    `${endpoint} access_key_id=${accessKey} secret_access_key=${secretKey}`;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'by-hand-'));
    resources.defer(() => {
      rmSync(directory, { recursive: true });
    });
    box = resources.use(await copyOfBox());
    shell = resources.use(await openShell(box, directory));
    await box.mlmd.stopWriting();
    await box.configure({ components: 'mlmd,mlpipeline' });
    tables = tablesOf(box.mlmd.file);
    const { contents } = box.stores.minio;
    older = { objects: objectsOf(box), id: await backUp(box) };
    contents.put('mlpipeline', { key: 'pipelines/6d3a1f0e', content: 'kind: Changed\n' });
    contents.put('mlpipeline', { key: 'v2/artifacts/a b/größe+50%/model', content: 'changed' });
    contents.put('mlpipeline', { key: 'v2/artifacts/new', content: 'made later' });
    newest = { objects: objectsOf(box), id: await backUp(box) };
  });
  after(() => resources.disposeAsync());

  it('brings the objects of the newest set back, and then those of an older one', async function () {
    await needs(this, 'rclone', 'jq');
    const [all = '', exactly = ''] = commandsOf('### Objects');
    assert.match(all, /^rclone copy /);
    assert.match(exactly, /mlpipeline\.ndjson\.gz/);
    destroy(box);
    const listed = await shell.run(preamble(newest.id) + all);
    assert.ok(listed.includes(`${newest.id}/\n`));
    assert.match(listed, /"mlmd": \{/);
    assert.deepEqual(plain(objectsOf(box)), plain(newest.objects));
    const said = await shell.run(preamble(older.id) + exactly);
    const count = Object.keys(older.objects).length;
    assert.match(said, new RegExp(`^${count} objects in the set, 0 of them not in MinIO$`, 'm'));
    const { 'v2/artifacts/new': _unknownToTheSet, ...known } = objectsOf(box);
    assert.ok(_unknownToTheSet);
    assert.deepEqual(plain(known), plain(older.objects));
  });

  it('brings ML Metadata back, and keeps what was there', async function () {
    await needs(this, 'rclone', 'jq', 'sqlite3');
    const [load = ''] = commandsOf('### ML Metadata');
    {
      using live = new DatabaseSync(box.mlmd.file);
      live.exec('DELETE FROM Artifact');
    }
    const said = await shell.run(preamble(newest.id) + load);
    assert.match(said, /^ok\n\d+$/m);
    assert.deepEqual(tablesOf(box.mlmd.file), tables);
    assert.notDeepEqual(tablesOf(`${box.mlmd.file}.before`), tables);
    assert.deepEqual(shell.juju().slice(-2), [
      'scale-application kfp-metadata-writer 0',
      'scale-application kfp-metadata-writer 1',
    ]);
  });

  it('brings the rows of a database back, and its units', async () => {
    const [commands = ''] = commandsOf('### Databases');
    await box.configure({ components: 'kfp-db' });
    const { dataFile } = box.databases['kfp-db'];
    const rows = rowsOf(dataFile);
    const run = await box.run('backup-control-plane');
    assert.equal(run.status, 'completed', run.message);
    const key = `${box.prefix}/sets/${String(run.results['backup-id'])}/manifest.json`;
    const manifest = box.stores.target.contents.read(box.stores.backups.bucket, key);
    const [backup] = parseManifest(manifest.toString(), key).databases;
    {
      using data = new DatabaseSync(dataFile);
      data.exec(`DELETE FROM "${Object.keys(rows)[0] ?? ''}"`);
    }
    assert.notDeepEqual(rowsOf(dataFile), rows);
    const { scale } = box.model.application('kfp-db');
    const said = await shell.run(
      commands
        .replace('<databases[].backupId of kfp-db>', backup!.backupId)
        .replace('<units as before>', String(scale)),
    );
    assert.match(said, new RegExp(`${backup!.backupId}.*finished`));
    assert.deepEqual(rowsOf(dataFile), rows);
    assert.equal(box.scales()['kfp-db'], scale);
  });

  it('builds the database with python3 alone where there is no sqlite3', async function () {
    await needs(this, 'rclone', 'jq', 'python3');
    const [text = ''] = commandsOf('### ML Metadata');
    const line = /^# (zcat dump \| python3 .*)$/m.exec(text)?.[1] ?? assert.fail('no such line');
    await shell.run(`rm -f mlmd.db; ${line}`);
    assert.deepEqual(tablesOf(join(directory, 'mlmd.db')), tables);
  });

  it('runs no command of a hostile dump, and writes no other file', async function () {
    await needs(this, 'sqlite3', 'python3');
    const [text = ''] = commandsOf('### ML Metadata');
    const lines = [/^(zcat dump \| sqlite3 .*)$/m, /^# (zcat dump \| python3 .*)$/m].map(
      (pattern) => pattern.exec(text)?.[1] ?? assert.fail('no such line'),
    );
    const owned = join(directory, 'owned');
    const here = readdirSync(directory).filter((name) => !/^(?:dump|mlmd\.db.*)$/.test(name));
    for (const hostile of hostileStatements(owned))
      for (const line of lines) {
        writeFileSync(join(directory, 'dump'), gzipSync(hostile));
        await shell.run(`rm -f mlmd.db; timeout 20 sh -c ${quoted(line)}`).catch(() => undefined);
        const after = readdirSync(directory).filter((name) => !/^(?:dump|mlmd\.db.*)$/.test(name));
        assert.deepEqual(after, here, `${line}\n${hostile}`);
      }
  });
});

/** SQL that has an effect beyond its database when it is run without care. */
const hostileStatements = (owned: string): readonly string[] => [
  `CREATE TABLE t (a); INSERT INTO t VALUES(edit('x','touch ${owned} #'));`,
  `CREATE TABLE t (a); INSERT INTO t VALUES(writefile('${owned}','x'));`,
  `\n.shell touch ${owned}\n`,
  `\n.output ${owned}\nSELECT 1;\n`,
  `\n.once ${owned}\nSELECT 1;\n`,
  `ATTACH '${owned}' AS other; CREATE TABLE other.t (a);`,
  `VACUUM INTO '${owned}';`,
];

const quoted = (line: string): string => `'${line.replaceAll("'", "'\\''")}'`;
