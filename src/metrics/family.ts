export interface Sample {
  /** In the order in which they are written. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric of the exposition format, with all of its samples. */
export interface Family {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Its name gets the prefix of all of ours. */
export const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({
  ...{ name: `ckf_backup_${name}`, type: 'gauge', help, samples },
});

export const plain = (value: number): Sample => ({ labels: {}, value });

/** None when it is not known. */
export const optional = (value: number | undefined): readonly Sample[] =>
  value === undefined || !Number.isFinite(value) ? [] : [plain(value)];

/** A sample for each that is known, its name in a label. */
export const labelled = <T>(
  label: string,
  values: Readonly<Record<string, T>> | undefined,
  read: (value: T) => number | undefined,
): readonly Sample[] =>
  Object.entries(values ?? {}).flatMap(([name, value]) =>
    optional(read(value)).map((sample) => ({ ...sample, labels: { [label]: name } })),
  );

/** Of Unix, as Prometheus has times. */
export function secondsOf(time: string): number;
export function secondsOf(time: string | undefined): number | undefined;
export function secondsOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time) / 1000;
}
