import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type JujuLine, jujuReleases } from '../juju/release.ts';
import { newSecret, newUnit } from './state.ts';
import { startUnitAgent } from './unit-agent.ts';

const run = promisify(execFile);

interface Said {
  readonly exitCode: number;
  readonly text: string;
}

/** Calls the hook tools of a unit on this line of Juju, whose journal is not mounted yet. */
const asking = async (
  line: JujuLine,
  ...calls: readonly (readonly string[])[]
): Promise<Said[]> => {
  const state = newUnit({
    unit: 1,
    jujuVersion: jujuReleases[line].version,
    secrets: [newSecret('d3n8r2e5kg0c73fhvb11', 'user', { password: 'p' })],
  });
  await using agent = await startUnitAgent({ state });
  await agent.attachStorage('journal');
  const [journal] = state.storage['journal'] ?? [];
  if (journal) journal.mounted = false;
  const { environment } = agent.enter({ action: 'check' });
  const said: Said[] = [];
  for (const [tool = '', ...argv] of calls)
    said.push(
      await run(tool, argv, { env: environment }).then(
        ({ stdout }) => ({ exitCode: 0, text: stdout.trim() }),
        (failure: unknown) => {
          const { code, stderr } = failure as { code: number; stderr: string };
          return { exitCode: code, text: stderr.trim() };
        },
      ),
    );
  return said;
};

const secretGet = ['secret-get', '--format=json', 'secret:d3n8r2e5kg0c73fhvb11'] as const;

describe('the hook tools of the unit agent', () => {
  for (const line of ['3.4', '3.6'] as const)
    it(`of Juju ${line} deny a secret in two words, and keep 1,000 lines of a log`, async () => {
      const [denied, added] = await asking(line, secretGet, ['secret-add', 'password=p']);
      assert.deepEqual(denied, { exitCode: 1, text: 'ERROR permission denied' });
      assert.match(added?.text ?? '', /^secret:[0-9a-f]{20}$/);
      assert.equal(jujuReleases[line].actionLogLines, 1000);
    });

  for (const line of ['4.0', '4.1'] as const)
    it(`of Juju ${line} name the unit that a secret is denied to, and the model of a new one`, async () => {
      const [denied, added, ids, tooShort] = await asking(
        line,
        secretGet,
        ['secret-add', 'password=p'],
        ['secret-ids', '--format=json'],
        ['secret-add', 'a=b'],
      );
      assert.deepEqual(denied, {
        exitCode: 1,
        text: 'ERROR "ckf-backup/1" is not allowed to read this secret',
      });
      const [, id] = /^secret:\/\/[0-9a-f-]{36}\/([0-9a-f]{20})$/.exec(added?.text ?? '') ?? [];
      assert.deepEqual(JSON.parse(ids?.text ?? ''), [id]);
      assert.equal(tooShort?.exitCode, 2);
    });

  it('list a storage before it is mounted, and count it over the whole model', async () => {
    const [listed, located] = await asking(
      '4.0',
      ['storage-list', '--format=json', 'journal'],
      ['storage-get', '--format=json', '-s', 'journal/19', 'location'],
    );
    assert.deepEqual(JSON.parse(listed?.text ?? ''), ['journal/19']);
    assert.deepEqual(located, {
      exitCode: 2,
      text: 'ERROR invalid value "journal/19" for option -s: mount point for storage attachment "storage-journal-19" for unit "ckf-backup/1" missing',
    });
  });

  it('tell an address, and since 4.1 a name', async () => {
    const bound = async (line: JujuLine): Promise<string> => {
      const [said] = await asking(line, ['network-get', '--format=json', 's3-credentials']);
      return said?.text ?? '';
    };
    assert.match(await bound('4.0'), /"value":"10\.1\.0\.2"/);
    assert.match(await bound('4.1'), /"value":"ckf-backup-1\.ckf-backup-endpoints\.kubeflow\.svc/);
  });
});
