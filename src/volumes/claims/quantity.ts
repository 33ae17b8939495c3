const powers: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** The bytes of a quantity of Kubernetes such as `5Gi`; undefined for a form we do not know. */
export const bytesOf = (quantity: string): number | undefined => {
  const [, digits = '', unit = ''] = /^([\d.]+)([kMGTP]i?|Ki)?$/.exec(quantity) ?? [];
  const power = powers[unit];
  return digits === '' || power === undefined ? undefined : Number(digits) * power;
};
