import assert from 'node:assert/strict';
import { readEvent } from '../src/event.ts';

describe('the event', () => {
  it('is a hook, with the relation that it is about', () => {
    assert.deepEqual(
      readEvent({
        JUJU_DISPATCH_PATH: 'hooks/kfp-db-relation-changed',
        JUJU_RELATION_ID: 'kfp-db:7',
      }),
      { kind: 'hook', name: 'kfp-db-relation-changed', relationId: 'kfp-db:7' },
    );
  });

  it('is a hook about a revision of a secret', () => {
    const about = (revision: string | undefined) =>
      readEvent({
        JUJU_DISPATCH_PATH: 'hooks/secret-remove',
        JUJU_SECRET_ID: 'secret:d3n8r2e5kg0c73fhvb10',
        JUJU_SECRET_REVISION: revision,
      });
    const hook = { kind: 'hook', name: 'secret-remove', relationId: undefined };
    const secret = { id: 'secret:d3n8r2e5kg0c73fhvb10', revision: 3 };
    assert.deepEqual(about('3'), { ...hook, secret });
    for (const odd of ['', '0', 'x', undefined]) assert.deepEqual(about(odd), hook);
  });

  it('takes an empty relation for none', () => {
    assert.deepEqual(readEvent({ JUJU_DISPATCH_PATH: 'hooks/start', JUJU_RELATION_ID: '' }), {
      kind: 'hook',
      name: 'start',
      relationId: undefined,
    });
  });

  it('is an action, with its task', () => {
    assert.deepEqual(readEvent({ JUJU_DISPATCH_PATH: 'actions/check', JUJU_ACTION_UUID: '12' }), {
      kind: 'action',
      name: 'check',
      task: '12',
    });
  });

  for (const path of [undefined, '', 'hooks/', 'elsewhere/x', 'hooks'])
    it(`is undefined when the dispatch path is ${JSON.stringify(path)}`, () => {
      assert.equal(readEvent({ JUJU_DISPATCH_PATH: path }), undefined);
    });
});
