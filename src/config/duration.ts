const seconds = { d: 86_400, h: 3600, m: 60 } as const;

/**
 * Reads `6h`, `90m`, `1d12h`: days, hours and minutes. Milliseconds, more than 0; undefined when
 * the text has another form.
 */
export const parseDuration = (text: string): number | undefined => {
  const match = /^(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?$/.exec(text.trim());
  const [, days = '0', hours = '0', minutes = '0'] = match ?? [];
  const total = Number(days) * seconds.d + Number(hours) * seconds.h + Number(minutes) * seconds.m;
  return match === null || total === 0 ? undefined : total * 1000;
};
