export type JujuLine = '3.4' | '3.6' | '4.0' | '4.1';

/**
 * In what the releases of Juju differ, as far as the charm meets it: at the controller, in the
 * model, and in the unit's agent. 3.4 and 3.6 are told by their source, 4.0 was watched at work
 * (4.0.15), 4.1 by the source of its main branch.
 */
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

  /**
   * Since 4.1 an application on Kubernetes loses its lowest unit number first, and a new unit gets
   * a number not used before.
   */
  readonly removesLowestUnit: boolean;
  /** In 4.0 cancel-task answers with an empty error, and the task goes on. */
  readonly cancelsTasks: boolean;
  /** In 4.0 a task whose pod was force-deleted stays `running` for ever. */
  readonly forgetsTasksOfLostPods: boolean;

  /** Since 4.0 the first hooks may run before a storage that is listed has been mounted. */
  readonly installsBeforeStorage: boolean;
  /**
   * How many lines of an action's log are kept; the rest is dropped without a word (state/action.go
   * of 3.6).
   */
  readonly actionLogLines: number;
  /** What `secret-get` says of a secret that is not granted. */
  readonly secretDenied: (unit: string) => string;
  /**
   * Since 4.0 `secret-add` prints `secret://<model>/<id>`; `secret-ids` and `secret-info-get` print
   * the id alone.
   */
  readonly secretUriNamesModel: boolean;
  /** Since 4.1 `network-get` tells names where it told addresses. */
  readonly bindsToNames: boolean;
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

const before4 = {
  removesLowestUnit: false,
  cancelsTasks: true,
  forgetsTasksOfLostPods: false,
  installsBeforeStorage: false,
  actionLogLines: 1000,
  secretDenied: () => 'permission denied',
  secretUriNamesModel: false,
  bindsToNames: false,
};

const since4 = {
  removesLowestUnit: false,
  cancelsTasks: false,
  forgetsTasksOfLostPods: true,
  installsBeforeStorage: true,
  actionLogLines: Infinity,
  secretDenied: (unit: string) => `"${unit}" is not allowed to read this secret`,
  secretUriNamesModel: true,
  bindsToNames: false,
};

const common = { Action: [7], Admin: [3], Pinger: [1], Bundle: [6] };

export const jujuReleases: Readonly<Record<JujuLine, JujuRelease>> = {
  '3.4': {
    line: '3.4',
    version: '3.4.5',
    facades: { ...common, Application: range(15, 19), Client: [6, 7] },
    tellsRevision: false,
    hasMeters: true,
    failsWholeCall: false,
    ...before4,
  },
  '3.6': {
    line: '3.6',
    version: '3.6.4',
    facades: { ...common, Application: range(15, 22), Client: [6, 7, 8] },
    tellsRevision: true,
    hasMeters: true,
    failsWholeCall: false,
    ...before4,
  },
  '4.0': {
    line: '4.0',
    version: '4.0.15',
    facades: { ...common, Bundle: [8], Application: range(19, 22), Client: [8] },
    tellsRevision: true,
    hasMeters: false,
    failsWholeCall: true,
    ...since4,
  },
  '4.1': {
    line: '4.1',
    version: '4.1-beta2',
    facades: { ...common, Bundle: [8], Application: range(19, 22), Client: [8] },
    tellsRevision: true,
    hasMeters: false,
    failsWholeCall: true,
    ...since4,
    removesLowestUnit: true,
    bindsToNames: true,
  },
};

/** The release that a version such as JUJU_VERSION belongs to. */
export const releaseOf = (version: string): JujuRelease => {
  const found = Object.values(jujuReleases).find(({ line }) => version.startsWith(line));
  if (found === undefined) throw new Error(`the tests know no Juju ${version}`);
  return found;
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
