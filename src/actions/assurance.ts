import { ago, assuranceText, proofText, restoreText } from '../assurance/assurance-text.ts';
import { type Assurance, assess } from '../assurance/assurance.ts';
import { findUnprotected } from '../assurance/unprotected.ts';
import { unprotectedVolumes } from '../volumes/records/unprotected.ts';
import type { World } from '../world.ts';
import type { Action } from './action.ts';

/**
 * Says how far back one could go now, how sure that is, how long it would take, and what it would
 * not bring back. Changes nothing. Results: `assurance`, the one line, what it is made of, and
 * `not-protected`, a line for each thing with the command that adds it.
 */
export const assurance: Action = async (world, config) => {
  await world.progress.step('Looking how far back one could go');
  const target = await world.openTarget();
  await using _store = target.store;
  const found = await assess(target);
  const { unprotected, problems } = await findUnprotected(world, config, [unprotectedVolumes]);
  for (const { message } of problems)
    await world.progress.note(`Not all could be looked at, so more may be unprotected: ${message}`);
  const line = [
    assuranceText(found, world.clock.now()),
    unprotected.length === 0
      ? 'nothing that is known of is unprotected'
      : `not protected: ${unprotected.map(({ what }) => what.replace(/:.*/, '')).join(', ')}`,
    ...(problems.length > 0 ? ['not all could be looked at'] : []),
  ].join('; ');
  return {
    assurance: line,
    ...('manifest' in found && resultsOf(world, found)),
    ...(found.passedOver.length > 0 && {
      'passed-over': found.passedOver.map(({ id, why }) => `${id}: ${why}`).join('\n'),
    }),
    'not-protected':
      unprotected.map(({ what, command }) => `${what}\n    ${command}`).join('\n') || 'none',
    ...(problems.length > 0 && {
      'not-looked-at': problems.map(({ message, code }) => `${message} [${code}]`).join('\n'),
    }),
  };
};

const resultsOf = (
  { clock, application }: World,
  { manifest, proof, restore }: Assurance,
): Readonly<Record<string, string>> => {
  const now = clock.now();
  return {
    'backup-id': manifest.id,
    age: ago(manifest.id, now),
    consistent: String(manifest.consistent),
    proven:
      proof === undefined
        ? `never; juju run ${application}/leader verify-backup backup-id=${manifest.id} deep=true`
        : `${proofText[proof.kind]} ${ago(proof.at, now)}, at ${proof.at}`,
    restore: restoreText(restore),
    'restore-known-from':
      restore.basis === 'restore' ? 'a restore of this set' : 'the rates of backups and proofs',
  };
};
