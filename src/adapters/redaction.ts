/**
 * The last line of defence: no text that went through `redact` holds a secret that was given to
 * `hide`.
 */
export interface Redaction {
  readonly hide: (secret: string) => void;
  readonly redact: (text: string) => string;
}

/**
 * A secret is also found in base64 and as part of a URL. A secret of fewer than four characters is
 * not looked for: that would blacken ordinary words, and so reveal more than it hides.
 */
export const createRedaction = (): Redaction => {
  const hidden = new Set<string>();
  return {
    hide(secret) {
      if (secret.length < 4) return;
      const forms = [
        secret,
        encodeURIComponent(secret.toWellFormed()),
        Buffer.from(secret).toString('base64'),
        JSON.stringify(secret).slice(1, -1),
      ];
      for (const form of forms) hidden.add(form);
    },
    redact(text) {
      let clean = text;
      // The longest first: a secret may hold another one.
      for (const secret of [...hidden].sort((a, b) => b.length - a.length))
        clean = clean.replaceAll(secret, '<hidden>');
      return clean;
    },
  };
};
