import { releaseOf } from '../juju/release.ts';
import { ToolError, atMost, keyValues, parseArguments } from './arguments.ts';
import { type Tool, formatFlags, json, wantJson } from './tool.ts';

const statuses = ['maintenance', 'blocked', 'waiting', 'active'];
const levels = ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];

/** The tools that are about the unit itself. */
export const unitTools: Readonly<Record<string, Tool>> = {
  'config-get': ({ context, argv }) => {
    const { flags, positional } = parseArguments(
      argv,
      { ...formatFlags, '--all': false },
      { '-a': '--all' },
    );
    wantJson(flags);
    atMost(positional, 1);
    const values: Record<string, unknown> = {};
    for (const [name, option] of Object.entries(context.charm.options)) {
      const value = context.seen.config[name] ?? option.default;
      if (value !== undefined && !(option.type === 'secret' && value === '')) values[name] = value;
    }
    return json(positional[0] === undefined ? values : values[positional[0]]);
  },
  'is-leader': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, formatFlags);
    wantJson(flags);
    atMost(positional, 0);
    return json(context.seen.leader);
  },
  'status-set': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, { '--application': false });
    const [status, message = ''] = positional;
    if (status === undefined) throw new ToolError(2, 'invalid args, require <status> [message]');
    if (!statuses.includes(status))
      throw new ToolError(2, `invalid status "${status}", expected one of [${statuses.join(' ')}]`);
    atMost(positional, 2);
    const of = flags.has('--application') ? 'application' : 'unit';
    if (of === 'application' && !context.seen.leader)
      throw new ToolError(1, 'this unit is not the leader');
    context.statuses.push({ of, status, message });
    context.changeNow((state) => {
      if (of === 'unit') state.unitStatus = { status, message };
      else state.applicationStatus = { status, message };
    });
    return '';
  },
  'status-get': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, { ...formatFlags, '--include-data': false });
    wantJson(flags);
    atMost(positional, 0);
    const { status, message } = context.seen.unitStatus;
    return json(flags.has('--include-data') ? { status, message, 'status-data': {} } : { status });
  },
  'application-version-set': ({ context, argv }) => {
    const { positional } = parseArguments(argv, {});
    const [version] = positional;
    if (version === undefined) throw new ToolError(2, 'no version specified');
    atMost(positional, 1);
    context.changeNow((state) => (state.workloadVersion = version));
    return '';
  },
  'juju-log': ({ context, argv }) => {
    const { flags, positional } = parseArguments(
      argv,
      { '--log-level': true, '--debug': false, '--format': true },
      { '-l': '--log-level' },
    );
    if (positional.length === 0) throw new ToolError(2, 'no message specified');
    const level = flags.get('--log-level') ?? 'INFO';
    if (!levels.includes(level.toUpperCase()))
      throw new ToolError(1, `log level must be valid, got "${level}"`);
    context.logs.push({ level: level.toUpperCase(), message: positional.join(' ') });
    return '';
  },
  'storage-list': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, formatFlags);
    wantJson(flags);
    atMost(positional, 1);
    return json(
      Object.entries(context.seen.storage)
        .filter(([name]) => positional[0] === undefined || name === positional[0])
        .flatMap(([name, instances]) => instances.map(({ id }) => `${name}/${id}`)),
    );
  },
  'storage-get': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, { ...formatFlags, '-s': true });
    wantJson(flags);
    atMost(positional, 1);
    const id = flags.get('-s') ?? '';
    const [name = '', number] = id.split('/');
    const { storage, application, unit } = context.seen;
    const instance = storage[name]?.find((candidate) => String(candidate.id) === number);
    const invalid = (why: string) =>
      new ToolError(2, `invalid value ${JSON.stringify(id)} for option -s: ${why}`);
    if (instance === undefined) throw invalid('storage not found');
    if (!instance.mounted)
      throw invalid(
        `mount point for storage attachment "storage-${name}-${number}" for unit "${application}/${unit}" missing`,
      );
    const all: Record<string, string> = { kind: 'filesystem', location: instance.location };
    return json(positional[0] === undefined ? all : all[positional[0]]);
  },
  'network-get': ({ context, argv }) => {
    const { flags, positional } = parseArguments(
      argv,
      { ...formatFlags, '--relation': true, '--bind-address': false, '--ingress-address': false },
      { '-r': '--relation' },
    );
    wantJson(flags);
    atMost(positional, 1);
    const [binding = ''] = positional;
    const { charm, seen } = context;
    if (!charm.endpoints.has(binding))
      throw new ToolError(1, `no network config found for binding "${binding}"`);
    const { application, unit, model } = seen;
    const address = `10.1.0.${unit + 1}`;
    const name = `${application}-${unit}.${application}-endpoints.${model.name}.svc.cluster.local`;
    const bind = releaseOf(seen.jujuVersion).bindsToNames ? name : address;
    return json({
      'bind-addresses': [
        { 'interface-name': '', addresses: [{ hostname: '', value: bind, cidr: '' }] },
      ],
      'egress-subnets': ['10.152.183.9/32'],
      'ingress-addresses': ['10.152.183.9'],
    });
  },
  'credential-get': ({ context, argv }) => {
    const { flags } = parseArguments(argv, formatFlags);
    wantJson(flags);
    const credential = context.seen.credential;
    if (credential === undefined || context.seen.credentialRefusal !== undefined)
      throw new ToolError(
        1,
        `cannot access cloud credentials: ${context.seen.credentialRefusal ?? 'getting model credentials: permission denied'}`,
      );
    return json({
      type: 'kubernetes',
      name: 'kubernetes',
      region: 'localhost',
      endpoint: credential.endpoint,
      credential: {
        'auth-type': 'oauth2',
        attrs: { Token: credential.token },
        redacted: [],
      },
      cacertificates: [credential.ca],
      'is-controller-cloud': true,
    });
  },
  'state-get': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, { ...formatFlags, '--strict': false });
    wantJson(flags);
    const [key] = positional;
    const empty = context.seen.jujuVersion.startsWith('4.') && key === undefined;
    if (empty && Object.keys(context.seen.charmState).length === 0) return json(null);
    return json(key === undefined ? context.seen.charmState : context.seen.charmState[key]);
  },
  'state-set': ({ context, argv }) => {
    const { positional } = parseArguments(argv, { '--file': true });
    const values = keyValues(positional);
    context.change((state) => Object.assign(state.charmState, values));
    return '';
  },
};
