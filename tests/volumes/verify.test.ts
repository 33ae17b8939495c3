import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { damageOf, readCheck, readTestRestore } from '../../src/volumes/restic/check-output.ts';
import { proofOf, proofText } from '../../src/volumes/records/repository-proof.ts';
import {
  type RepositoryCheck,
  foundDamaged,
  withCheck,
} from '../../src/volumes/records/repository-state.ts';

const pack = 'b72e7de2d224986fe3900c7cd9ccacf452c3cbcf3f35584cafefea5134270d88';

describe('what restic found', () => {
  it('is read as restic 0.18 and 0.19 write it: a summary, and a message for each error', () => {
    const output = [
      `{"message_type":"error","message":"pack ${pack}: does not exist\\n"}`,
      '{"message_type":"error","message":"\\nThe repository is damaged and must be repaired. Please follow the guide.\\n"}',
      '{"message_type":"exit_error","code":1,"message":"Fatal: repository contains errors"}',
      '{"message_type":"summary","num_errors":1,"broken_packs":null,"suggest_repair_index":false,"suggest_prune":false}',
    ].join('\n');
    assert.deepEqual(readCheck('bob', { exitCode: 1, output }), {
      intact: false,
      errors: [`pack ${pack}: does not exist`],
      packs: [pack],
    });
    const broken = `{"message_type":"summary","num_errors":1,"broken_packs":["${pack}"]}`;
    assert.deepEqual(readCheck('bob', { exitCode: 1, output: broken }).packs, [pack]);
    const intact = '{"message_type":"summary","num_errors":0,"broken_packs":null}';
    assert.equal(readCheck('bob', { exitCode: 0, output: intact }).intact, true);
  });

  it('is no damage when restic has not looked', () => {
    const locked = { exitCode: 11, output: '{"message_type":"exit_error","message":"locked"}' };
    const codeOf = (look: () => unknown): string => {
      try {
        look();
      } catch (error) {
        return error instanceof CharmError ? error.code : 'another';
      }
      return 'nothing';
    };
    assert.equal(
      codeOf(() => readCheck('bob', locked)),
      'volume-locked',
    );
    const away = { exitCode: 1, output: 'Fatal: unable to open repository' };
    assert.equal(
      codeOf(() => readCheck('bob', away)),
      'volume-command-failed',
    );
    assert.equal(
      codeOf(() => readTestRestore('bob', away)),
      'volume-command-failed',
    );
  });

  it('names the objects that are damaged by their keys', () => {
    const damage = (kind: RepositoryCheck['kind'], about?: string) =>
      damageOf('bob', 'ckf/volumes/repos/bob/', { kind, about, errors: [], packs: [pack] }).message;
    assert.match(damage('check'), new RegExp(`ckf/volumes/repos/bob/data/b7/${pack}`));
    assert.match(damage('check'), /Then run: verify-volumes$/);
    assert.match(damage('data', '3/28'), /Then run: verify-volumes read-data=3\/28$/);
    assert.match(damage('restore', 'data x'), /Then run: verify-volumes read-data=1\/1$/);
  });
});

describe('what is proven of a backup', () => {
  const aCheck = (change: Partial<RepositoryCheck>): RepositoryCheck => ({
    ...{ kind: 'check', at: '2026-11-21T04:00:00Z', intact: true, seconds: 1 },
    ...{ errors: [], packs: [] },
    ...change,
  });
  const of = (session: string, ...checks: readonly RepositoryCheck[]) => {
    const proof = proofOf({ session, volume: { claim: 'data' } }, { unpruned: false, checks });
    return proof && proofText(proof, new Date('2026-11-21T05:00:00Z'));
  };

  it('is the check that proves most, of those that were made after it', () => {
    const checks = [
      aCheck({}),
      aCheck({ kind: 'data', about: '1/28', at: '2026-11-21T03:30:00Z' }),
      aCheck({ kind: 'restore', about: 'data 20261121t030000z', at: '2026-11-21T04:30:00Z' }),
    ];
    assert.equal(of('20261121t030000z', ...checks), 'restored 30m0s ago');
    assert.equal(of('20261121t020000z', ...checks), '1/28 read 1h30m ago');
    assert.equal(of('20261121t034500z', ...checks), 'checked 1h0m ago');
    assert.equal(of('20261121t043000z', ...checks), undefined);
  });

  it('is damage for every backup, until who looks at the same finds it intact', () => {
    const at = '2026-11-21T04:30:00Z';
    const part = aCheck({ kind: 'data', about: '1/28', at, intact: false });
    const missing = aCheck({ at, intact: false });
    const restored = aCheck({ kind: 'restore', about: 'data 20261121t030000z', at, intact: false });
    for (const damage of [part, missing, restored])
      assert.equal(of('20261121t030000z', aCheck({}), damage), 'DAMAGED 30m0s ago');
    const later = (change: Partial<RepositoryCheck>) =>
      aCheck({ at: '2026-11-21T04:45:00Z', ...change });
    for (const [look, mends] of [
      [later({}), [missing]],
      [later({ kind: 'data', about: '2/28' }), [missing]],
      [later({ kind: 'data', about: '1/28' }), [missing, part]],
      [later({ kind: 'data', about: '1/1' }), [missing, part, restored]],
      [later({ kind: 'restore', about: 'data 20261121t030000z' }), [restored]],
      [later({ kind: 'restore', about: 'data 20261121t020000z' }), []],
    ] as const)
      for (const damage of [part, missing, restored]) {
        const isMended = mends.some((one) => one === damage);
        const about = `${damage.kind} before ${look.kind} ${look.about ?? ''}`;
        const seen = foundDamaged({ unpruned: false, checks: [damage, look] });
        assert.equal(seen, isMended ? undefined : damage, about);
        assert.equal(withCheck([damage], look).includes(damage), !isMended, about);
      }
  });

  it('keeps the newest check of each kind, and damage once', () => {
    const first = aCheck({ kind: 'data', about: '1/28', intact: false });
    const again = aCheck({ kind: 'data', about: '1/28', intact: false, seconds: 2 });
    const other = aCheck({ kind: 'data', about: '2/28' });
    assert.deepEqual(withCheck([aCheck({}), first], again), [aCheck({}), again]);
    assert.deepEqual(withCheck([aCheck({}), again], other), [aCheck({}), again, other]);
    assert.deepEqual(withCheck([other], aCheck({ kind: 'data', about: '3/28' })).length, 1);
  });
});
