import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * A value as text that only somebody who knows the token can have written. Otherwise somebody who
 * can write to the bucket could have other objects listed than were copied.
 */
export const seal = (token: string, value: object): string => {
  const text = JSON.stringify(value);
  return `${digestOf(token, text)} ${text}\n`;
};

/** The value; undefined when it was not sealed with this token. */
export const unseal = (token: string, sealed: string): unknown => {
  const at = sealed.indexOf(' ');
  const text = sealed.slice(at + 1, -1);
  const [theirs, ours] = [Buffer.from(sealed.slice(0, at)), Buffer.from(digestOf(token, text))];
  if (theirs.length !== ours.length || !timingSafeEqual(theirs, ours)) return undefined;
  return JSON.parse(text) as unknown;
};

const digestOf = (token: string, text: string): string =>
  createHmac('sha256', token).update(text).digest('hex');
