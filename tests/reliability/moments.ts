import { watch } from 'node:fs';
import type { Rig } from './rig.ts';

/**
 * A step of the action as its surroundings see it, such as `s3 PutObject sets/<id>/manifest.json`,
 * and which of that name.
 */
export interface Moment {
  readonly what: string;
  /** From 1. */
  readonly nth: number;
  /** Before it was done, so that it is not, or after the answer was sent. */
  readonly when: 'before' | 'after';
}

export const momentText = ({ what, nth, when }: Moment): string =>
  `${when} ${what}${nth === 1 ? '' : ` (${nth})`}`;

/** Called at each moment of the box. `drop` lets the request go unanswered and undone. */
export type Onlooker = (moment: Moment) => 'drop' | undefined;

/**
 * Watches everything that reaches the box from the charm: each request to S3, MinIO, the Juju
 * controller and Kubernetes, each line of the action's log, and each change in the directory of the
 * journal. Nothing in the charm knows of it.
 */
export const lookOn = (rig: Rig, onlooker: Onlooker): Disposable => {
  const { box, journal } = rig;
  const counts = new Map<string, number>();
  const tell = (what: string, when: Moment['when']): 'drop' | undefined => {
    const name = `${when} ${what}`;
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    return onlooker({ what, nth, when });
  };
  const { target, minio } = box.stores;
  target.observer = ({ operation, key }, when) =>
    tell(`s3 ${operation} ${placeOf(key.slice(box.prefix.length + 1))}`.trim(), when);
  minio.observer = ({ operation }, when) => tell(`minio ${operation}`, when);
  box.controller.observer = (method, params, when) =>
    tell(`juju ${method}${detailOf(params)}`, when);
  box.kubernetes.observer = (request, when) =>
    void tell(
      `kubernetes ${request.replace(/\/apis\/(.*)$/, '$1').replace(/ckf-backup-\d+t\d+z-[0-9a-z-]+/, '<name>')}`,
      when,
    );
  rig.onLog = (line) => void tell(`log ${line.replace(/\d[\d.:TZ-]*/g, '#')}`, 'after');
  // A change of the journal is seen a moment after it was made.
  const files = watch(
    journal,
    (event, name) => void tell(`journal ${event} ${name ?? ''}`, 'after'),
  );
  return {
    [Symbol.dispose]: () => {
      for (const server of [target, minio, box.controller, box.kubernetes])
        server.observer = undefined;
      rig.onLog = () => undefined;
      files.close();
    },
  };
};

/** A key as a kind of key. */
const placeOf = (key: string): string =>
  key
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/, '<id>')
    .replace(/^mlmd\/mlmd-.*/, 'mlmd/<id>.dump.gz')
    .replace(/^write-test-.*/, 'write-test')
    .replace(/^locks\/.*/, 'locks/<claim>')
    .replace(/^mlpipeline\/.*/, 'mlpipeline/<key>')
    .replace(/^history\/mlpipeline\/.*/, 'history/mlpipeline/<key>')
    .replace(/^volumes\/(sessions|locks)\/.*/, 'volumes/$1/<id>')
    .replace(/^(volumes\/repos\/[^/]+\/[a-z]+)\/.*/, '$1/<id>');

/** Which application and how many units, or which action on which unit. */
const detailOf = ({ applications, actions }: Readonly<Record<string, unknown>>): string =>
  [applications, actions]
    .flatMap((items): unknown[] => (Array.isArray(items) ? items : []))
    .map((item) => {
      const fields = new Map<string, unknown>(Object.entries(item ?? {}));
      return ['application-tag', 'scale', 'receiver', 'name']
        .map((name) => fields.get(name))
        .filter((word) => typeof word === 'string' || typeof word === 'number')
        .map((word) => ` ${word}`)
        .join('');
    })
    .join('');
