import assert from 'node:assert/strict';
import { assertNoDebris } from './aftermath.ts';
import { setsIn } from './intact.ts';
import type { Moment } from './moments.ts';
import type { Rig } from './rig.ts';
import { backUpAgain, strikeAndRecover } from './round.ts';
import { testRig } from './test-rig.ts';

/**
 * When the process is killed, in words and as the box sees it. `npm run reliability` has all
 * moments there are.
 */
const moments: readonly (readonly [string, Moment['when'], string])[] = [
  ['before it marks that it began', 'before', 's3 PutObject sets/<id>/started.json'],
  ['while a large object is uploaded in parts', 'after', 's3 UploadPart mlpipeline/<key>'],
  ['while the journal is written', 'after', 'journal rename undo-kfp-db.json.new'],
  ['between the journal and the scale', 'before', `${scaling('kfp-db')} 2`],
  ['while a database backs itself up', 'after', `${enqueuing('kfp-db/1')} create-backup`],
  ['after the metadata writer was stopped', 'after', `${scaling('kfp-metadata-writer')} 0`],
  ['after the dump', 'after', 's3 PutObject mlmd/<id>.dump.gz'],
  ['between the undo and its entry in the journal', 'after', `${scaling('kfp-metadata-writer')} 1`],
  ['before the manifest', 'before', 's3 PutObject sets/<id>/manifest.json'],
  ['after the manifest', 'after', 's3 PutObject sets/<id>/manifest.json'],
];

function scaling(application: string): string {
  return `juju Application.ScaleApplications application-${application}`;
}

function enqueuing(unit: string): string {
  return `juju Action.EnqueueOperation unit-${unit.replace('/', '-')}`;
}

describe('a backup that is killed', () => {
  const rigOf = testRig();
  let rig: Rig;
  before(() => {
    rig = rigOf();
  });

  for (const [words, when, what] of moments)
    it(`${words} is undone by the next hook`, async () => {
      const at = { what, when, nth: 1 };
      assert.ok(await strikeAndRecover(rig, { at, signal: 'SIGKILL', next: 'update-status' }));
    });

  it('on a pod that is made new is undone from the storage', async () => {
    const at: Moment = { what: `${scaling('kfp-metadata-writer')} 0`, when: 'after', nth: 1 };
    assert.ok(await strikeAndRecover(rig, { at, signal: 'SIGKILL', next: 'new pod' }));
  });

  it('is no hindrance to the next one, which clears everything away', () => backUpAgain(rig));

  for (const [words, what, marks] of [
    ['an upload in parts', 's3 UploadPart mlpipeline/<key>', 0],
    // The databases have made backups by then, of which the next one has to hear.
    ['a stopped metadata writer', 's3 PutObject mlmd/<id>.dump.gz', 1],
  ] as const)
    it(`is asked to stop during ${words}: it tidies up, and dies of the signal`, async () => {
      const at: Moment = { what, when: 'after', nth: 1 };
      assert.ok(await strikeAndRecover(rig, { at, signal: 'SIGTERM', next: 'update-status' }));
      assertNoDebris(rig.box, setsIn(rig.box), marks);
    });
});
