import type { ProofKind } from '../repository/proofs.ts';
import { ageText, durationText } from '../text.ts';
import type { Assurance } from './assurance.ts';
import type { RestoreTime } from './restore-time.ts';

/** How a set was proven, in the words of a sentence. */
export const proofText: Readonly<Record<ProofKind, string>> = {
  verify: 'verified',
  deep: 'read as a whole',
  restore: 'restored',
};

/**
 * One line: how far back one could go, how sure that is, and how long it would take. The callers
 * add what is not protected.
 */
export const assuranceText = (
  assurance: Assurance | Pick<Assurance, 'passedOver'>,
  now: Date,
): string => {
  if (!('manifest' in assurance))
    return assurance.passedOver.length === 0
      ? 'There is no set that could be restored'
      : `None of the newest ${assurance.passedOver.length} sets could be restored`;
  const { manifest, proof, restore, passedOver } = assurance;
  return [
    `Could go back to ${manifest.id} (${ago(manifest.id, now)}${manifest.consistent ? '' : ', not consistent'})`,
    proof === undefined ? 'never proven' : `${proofText[proof.kind]} ${ago(proof.at, now)}`,
    restoreText(restore),
    ...(passedOver.length > 0 ? [`${passedOver.length} newer could not be restored`] : []),
  ].join('; ');
};

export const restoreText = ({ seconds }: RestoreTime): string =>
  seconds === undefined
    ? 'how long a restore takes is not known yet'
    : `a restore takes about ${durationText(Math.max(seconds, 1))}`;

export const ago = (time: string, now: Date): string =>
  `${ageText((now.getTime() - Date.parse(time)) / 1000)} ago`;
