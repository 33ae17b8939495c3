import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { damageOf, readCheck, readTestRestore } from '../../src/volumes/check-output.ts';
import { proofOf, proofText } from '../../src/volumes/repository-proof.ts';
import type { RepositoryCheck } from '../../src/volumes/repository-state.ts';

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
    const { message } = damageOf('bob', 'ckf/volumes/repos/bob/', { errors: [], packs: [pack] });
    assert.match(message, new RegExp(`ckf/volumes/repos/bob/data/b7/${pack}`));
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

  it('is damage when the newest check found some, for every backup', () => {
    const damaged = aCheck({ kind: 'data', at: '2026-11-21T04:30:00Z', intact: false });
    assert.equal(of('20261121t030000z', aCheck({}), damaged), 'DAMAGED 30m0s ago');
    const mended = aCheck({ at: '2026-11-21T04:45:00Z' });
    assert.equal(of('20261121t030000z', damaged, mended), 'checked 15m0s ago');
  });
});
