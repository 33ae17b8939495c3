import type { Model } from '../../sandbox/model.ts';
import { actionMethods } from './action-facade.ts';
import { fullStatus } from './full-status.ts';
import { listOf, mapOf, refusalAsFailure, textOf } from './parameters.ts';
import { type JujuRelease, JujuFailure } from './release.ts';

export interface Call {
  readonly model: Model;
  readonly release: JujuRelease;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface JujuMethod {
  readonly needs: 'read' | 'write' | 'login';
  readonly run: (call: Call) => Readonly<Record<string, unknown>>;
}

/** What a user may call after the login, by `Facade.Method`. */
export const jujuMethods: Readonly<Record<string, JujuMethod | undefined>> = {
  'Pinger.Ping': { needs: 'login', run: () => ({}) },
  'Client.FullStatus': {
    needs: 'read',
    run: ({ model, release }) => fullStatus(model.state, release),
  },
  'Application.Get': {
    needs: 'read',
    run: ({ model, params }) => options(model, textOf(params['application'])),
  },
  'Application.ScaleApplications': {
    needs: 'write',
    run: (call) => {
      if (call.model.state.changesBlocked)
        throw new JujuFailure('changes to the model are disabled', 'operation is blocked');
      return { results: listOf(call.params['applications']).map((item) => scale(call, item)) };
    },
  },
  ...actionMethods,
};

const options = (model: Model, name: string) => {
  const application = model.state.applications[name];
  if (application === undefined)
    throw new JujuFailure(`application "${name}" not found`, 'not found');
  const given = Object.entries(application.options ?? {});
  return {
    application: name,
    charm: application.charm,
    config: Object.fromEntries(
      given.map(([option, value]) => [option, { value, source: 'user', type: typeof value }]),
    ),
    'application-config': null,
    'endpoint-bindings': null,
    constraints: {},
    base: { name: 'ubuntu', channel: '24.04/stable' },
    channel: application.channel,
  };
};

const scale = ({ model, release }: Call, item: unknown) => {
  const { 'application-tag': tag, scale: units } = mapOf(item);
  const name = textOf(tag).replace(/^application-/, '');
  if (typeof units !== 'number' || units < 0)
    return { error: { message: 'scale < 0 not valid', code: 'not valid' } };
  try {
    model.setScale(name, units);
    return { info: { 'num-units': units } };
  } catch (error) {
    const { message, code } = refusalAsFailure(error, {
      'no-application': release.failsWholeCall
        ? new JujuFailure('application not found', 'not found')
        : new JujuFailure(`application "${name}" does not exist`, ''),
      'not-alive': new JujuFailure(
        `cannot set scale for application "${name}" to ${units}: application is not found or not alive`,
        '',
      ),
    });
    return { error: { message, code } };
  }
};
