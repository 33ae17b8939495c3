import { newSecret, type UnitAgentState } from '../../servers/unit-agent/state.ts';

export type Options = Readonly<Record<string, string | number | boolean | undefined>>;

/** `juju config`: undefined is `--reset`. */
export const configure = (state: UnitAgentState, options: Options): void => {
  const given = Object.entries({ ...state.config, ...options });
  state.config = Object.fromEntries(
    given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
};

export const loginSecret = 'd3n8r2e5kg0c73fhvb10';

/** `juju add-secret`, `juju grant-secret` and `juju config juju-credentials=…`. */
export const giveLogin = (state: UnitAgentState, password: string): void => {
  const content = { username: 'ckf-backup', password };
  state.secrets.push(newSecret(loginSecret, 'user', content, [state.application]));
  configure(state, { 'juju-credentials': `secret:${loginSecret}` });
};
