export type JujuLine = '3.4' | '3.6' | '4.0';

/** In what the releases of Juju differ for the calls that we make. */
export interface JujuRelease {
  readonly line: JujuLine;
  readonly version: string;
  readonly facades: Readonly<Record<string, readonly number[]>>;
  /** Since 3.6 the status tells the charm's revision. */
  readonly tellsRevision: boolean;
  /** Until 3.6 the status has meters and an SLA. */
  readonly hasMeters: boolean;
  /** Since 4.0 an action that cannot be enqueued fails the whole call. */
  readonly failsWholeCall: boolean;
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

const common = { Action: [7], Admin: [3], Pinger: [1], Bundle: [6] };

export const jujuReleases: Readonly<Record<JujuLine, JujuRelease>> = {
  '3.4': {
    line: '3.4',
    version: '3.4.5',
    facades: { ...common, Application: range(15, 19), Client: [6, 7] },
    tellsRevision: false,
    hasMeters: true,
    failsWholeCall: false,
  },
  '3.6': {
    line: '3.6',
    version: '3.6.4',
    facades: { ...common, Application: range(15, 22), Client: [6, 7, 8] },
    tellsRevision: true,
    hasMeters: true,
    failsWholeCall: false,
  },
  '4.0': {
    line: '4.0',
    version: '4.0.4',
    facades: { ...common, Bundle: [8], Application: range(19, 22), Client: [8] },
    tellsRevision: true,
    hasMeters: false,
    failsWholeCall: true,
  },
};

/** An error that the controller sends: as the whole reply, or inside one item of a bulk call. */
export class JujuFailure extends Error {
  readonly code: string;
  readonly info: Readonly<Record<string, unknown>> | undefined;

  constructor(message: string, code: string, info?: Readonly<Record<string, unknown>>) {
    super(message);
    this.name = 'JujuFailure';
    this.code = code;
    this.info = info;
  }
}

/** Go's zero time, which is what "not yet" looks like on the wire. */
export const zeroTime = '0001-01-01T00:00:00Z';
