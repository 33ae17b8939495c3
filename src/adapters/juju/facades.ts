import Action from '@canonical/jujulib/dist/api/facades/action/index.js';
import Application from '@canonical/jujulib/dist/api/facades/application/index.js';
import Client from '@canonical/jujulib/dist/api/facades/client/index.js';
import { CharmError } from '../../errors.ts';
import type { JujuRpc } from './rpc.ts';

export type FacadeName = 'Action' | 'Application' | 'Client';

/**
 * An instance of one of jujulib's generated classes. Its replies are what the controller sent, not
 * parsed yet.
 */
type Facade = Readonly<Record<string, unknown>>;

type FacadeClass = (new (transport: JujuRpc, info: object) => Facade) & {
  readonly VERSION: number;
};

const generated: Readonly<Record<FacadeName, unknown>> = { Action, Application, Client };

/**
 * jujulib's class of the newest version that it and the controller both know. A controller offers a
 * few versions of each facade (Juju 3.4: Application 15-19, 3.6: 15-22, 4.0: 19-22), jujulib was
 * generated for some of them.
 */
export const chooseFacade = (
  name: FacadeName,
  offered: readonly number[],
  rpc: JujuRpc,
  controllerVersion: string,
): Facade => {
  const known = versionsOf(generated[name]);
  const newest = known
    .filter(({ VERSION }) => offered.includes(VERSION))
    .reduce<FacadeClass | undefined>(
      (best, other) => (best && best.VERSION > other.VERSION ? best : other),
      undefined,
    );
  if (newest) return new newest(rpc, {});
  throw new CharmError(
    'juju-refused',
    `This charm cannot speak to a controller of Juju ${controllerVersion}: it offers ${list(offered)} of the facade ${name}, and the charm knows ${list(known.map(({ VERSION }) => VERSION))}. Use a revision of the charm that supports this Juju.`,
  );
};

/** Calls a method by jujulib's name of it, such as `fullStatus`. */
export const callFacade = async (
  facade: Facade,
  method: string,
  params: unknown,
): Promise<unknown> => {
  const call = facade[method];
  if (typeof call !== 'function') throw new TypeError(`jujulib has no method ${method}`);
  return Reflect.apply(call, facade, [params]);
};

const versionsOf = (facade: unknown): readonly FacadeClass[] =>
  typeof facade === 'object' &&
  facade !== null &&
  'versions' in facade &&
  Array.isArray(facade.versions)
    ? facade.versions.filter(isFacadeClass)
    : [];

const isFacadeClass = (value: unknown): value is FacadeClass =>
  typeof value === 'function' && 'VERSION' in value && typeof value.VERSION === 'number';

const list = (versions: readonly number[]) =>
  versions.length === 0 ? 'no version' : `version ${versions.join(', ')}`;
