import assert from 'node:assert/strict';
import { readNotifyUrl } from '../../src/config/notify-url.ts';
import { parseConfig } from '../../src/config/config.ts';
import { CharmError } from '../../src/errors.ts';
import { tellOfSession, tellOfTest } from '../../src/notify/tell.ts';
import type { Session } from '../../src/sessions/session.ts';
import type { Databag, Notice, World } from '../../src/world.ts';
import { FakeProgress } from '../fakes/progress.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

const session = (changes: Partial<Session>): Session => ({
  ...{ format: 1, id: '2026-11-25T02:00:00Z', trigger: 'schedule', phase: 'Succeeded' },
  ...{ unit: 'ckf-backup/0', started: '2026-11-25T02:00:03Z', finished: '2026-11-25T02:12:03Z' },
  ...changes,
});

const openRig = (failure?: CharmError) => {
  const told: Notice[] = [];
  const progress = new FakeProgress();
  const world = {
    ...{ application: 'ckf-backup', model: { name: 'kubeflow', uuid: '' }, progress },
    openNotifier: async () => ({
      send: async (notice: Notice) => {
        if (failure) throw failure;
        told.push(notice);
      },
    }),
  } as Partial<World> as World;
  return { world, told, progress };
};

describe('who is to be told', () => {
  it('hears how long a backup took and how large it is', async () => {
    const { world, told } = openRig();
    const components = [
      { name: 'mlmd', seconds: 1, size: 1024 },
      { name: 'kfp-db', seconds: 1 },
    ];
    await tellOfSession(world, session({ components, consistent: false }));
    assert.deepEqual(told, [
      {
        kind: 'succeeded',
        text: 'ckf-backup of model kubeflow: the backup 2026-11-25T02:00:00Z succeeded in 12m0s, 1.0 KiB, and is not consistent.',
      },
    ]);
  });

  it('hears why one failed or was not made, and where to look', async () => {
    const { world, told } = openRig();
    await tellOfSession(world, session({ phase: 'Running' }));
    await tellOfSession(
      world,
      session({ phase: 'Failed', code: 'store-denied', reason: 'S3\u001b[31m refused.' }),
    );
    const slots = { count: 3, last: '2026-11-27T02:00:00Z' };
    await tellOfSession(world, session({ phase: 'Missed', reason: 'Away.', slots }));
    await tellOfSession(world, session({ phase: 'Skipped', reason: 'Busy.' }));
    await tellOfSession(world, session({ phase: 'Cancelled' }));
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ['started', 'failed', 'failed', 'skipped'],
    );
    assert.match(
      told[1]?.text ?? '',
      /failed\. S3\\x1b\[31m refused\. \[store-denied\] See: juju run ckf-backup\/leader show-session session=2026-11-25T02:00:00Z$/,
    );
    assert.match(told[2]?.text ?? '', /and 2 after it was not made \(missed\)\. Away\./);
  });

  it('is not needed for a backup: what keeps it from being told is only said', async () => {
    const { world, progress } = openRig(new CharmError('notification-failed', 'Not taken.'));
    await tellOfSession(world, session({}));
    assert.deepEqual(progress.notes, ['Not taken.']);
    assert.equal(((await tellOfTest(world)) as CharmError).message, 'Not taken.');
  });

  it('can be sent a test message', async () => {
    const { world, told } = openRig();
    assert.equal(await tellOfTest(world), 'sent');
    assert.equal(told[0]?.kind, 'test');
    const nobody = { ...world, openNotifier: async () => undefined };
    assert.equal(await tellOfTest(nobody), 'none');
    await tellOfSession(nobody, session({}));
  });
});

describe('the secret of notify-url', () => {
  const config = parseConfig({ 'notify-url': 'secret:abc', 'notify-style': 'healthchecks' });
  const read = (secret: Databag | CharmError) =>
    readNotifyUrl(
      {
        secret: async () => {
          if (secret instanceof CharmError) throw secret;
          return secret;
        },
      },
      config,
      'ckf-backup',
    );

  it('holds an address, and perhaps an authority', async () => {
    assert.equal(config.notifyStyle, 'healthchecks');
    const url = 'https://chat.example.com/hooks/token';
    const alone = { url, volumesUrl: undefined };
    assert.deepEqual(await read({ url: ` ${url}\n` }), { ...alone, ca: undefined });
    assert.deepEqual(await read({ url, 'ca-cert': 'PEM' }), { ...alone, ca: 'PEM' });
    const volumesUrl = 'https://chat.example.com/hooks/volumes';
    const both = await read({ url, 'volumes-url': `${volumesUrl} ` });
    assert.deepEqual(both, { url, volumesUrl, ca: undefined });
    await rejectsWithCode(read({ url, 'volumes-url': 'volumes' }), 'notify-url-unusable');
    assert.equal(
      await readNotifyUrl({ secret: async () => assert.fail('asked') }, parseConfig({}), 'x'),
      undefined,
    );
  });

  it('is said to be unusable without a word of what it holds, with the command', async () => {
    for (const [secret, command] of [
      [{}, 'juju update-secret secret:abc url#file='],
      [{ url: 'ftp://token' }, 'juju update-secret secret:abc url#file='],
      [{ url: 'token' }, 'juju update-secret secret:abc url#file='],
      [new CharmError('juju-credentials-missing', ''), 'juju config ckf-backup notify-url='],
      [
        new CharmError('juju-credentials-not-granted', ''),
        'juju grant-secret secret:abc ckf-backup',
      ],
      [new CharmError('juju-tool-failed', ''), 'juju grant-secret secret:abc ckf-backup'],
    ] as const) {
      const { message } = await rejectsWithCode(read(secret), 'notify-url-unusable');
      assert.ok(message.includes(command), message);
      assert.ok(!message.includes('token'), message);
    }
  });

  it('is not repeated when the secret itself was given as the option', async () => {
    const { message } = await rejectsWithCode(
      Promise.resolve().then(() => parseConfig({ 'notify-url': 'https://chat/token' })),
      'option-invalid',
    );
    assert.ok(!message.includes('token'), message);
  });
});
