import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { releaseOf } from '../juju/release.ts';
import { ToolError, atMost, parseArguments } from './arguments.ts';
import { type HookContext, relationOf } from './context.ts';
import { contentOf } from './secret-content.ts';
import { type SecretState, type UnitAgentState, newSecret } from './state.ts';
import { type Tool, formatFlags, json, wantJson } from './tool.ts';

const writeFlags = {
  ...{ '--label': true, '--owner': true, '--description': true, '--file': true },
  '--expire': true,
};

/** The tools that read, make and share secrets. Changes are committed when the process exits 0. */
export const secretTools: Readonly<Record<string, Tool>> = {
  'secret-get': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, {
      ...formatFlags,
      '--label': true,
      '--peek': false,
      '--refresh': false,
    });
    wantJson(flags);
    atMost(positional, 2);
    const [reference, key] = positional;
    const label = flags.get('--label');
    if (reference === undefined && label === undefined)
      throw new ToolError(2, 'require either a secret URI or label');
    if (flags.has('--peek') && flags.has('--refresh'))
      throw new ToolError(2, 'specify one of --peek or --refresh but not both');
    const content = read(context, find(context, reference, label), flags, label);
    if (key === undefined) return json(content);
    if (content[key] === undefined) throw new ToolError(1, `secret value "${key}" not found`);
    return json(content[key]);
  },
  'secret-add': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, writeFlags);
    const content = contentOf(positional);
    mustLead(context);
    const label = flags.get('--label');
    if (label !== undefined && own(context.seen, label) !== undefined)
      throw new ToolError(1, `secret with label "${label}" already exists`);
    const id = newId();
    context.change((state) => {
      const secret = newSecret(id, state.application, content);
      if (label !== undefined) secret.label = label;
      describe(secret, flags);
      state.secrets.push(structuredClone(secret));
    });
    const { jujuVersion, model } = context.seen;
    const place = releaseOf(jujuVersion).secretUriNamesModel ? `//${model.uuid}/` : '';
    return `secret:${place}${id}\n`;
  },
  'secret-set': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, writeFlags);
    const secret = owned(context, positional[0]);
    // Without content only what the flags say is changed, and no revision is made.
    const content =
      positional.length === 1 && flags.size > 0 ? undefined : contentOf(positional.slice(1));
    describe({ ...secret }, flags);
    context.change((state) => {
      const stored = byId(state, secret.id);
      if (stored !== undefined) describe(stored, flags);
      if (content === undefined) return;
      // Juju makes no new revision of equal content.
      if (stored !== undefined && !isDeepStrictEqual(stored.revisions.at(-1), content))
        stored.revisions.push({ ...content });
    });
    return '';
  },
  'secret-remove': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, { '--revision': true });
    atMost(positional, 1);
    const secret = owned(context, positional[0]);
    const revision = flags.get('--revision');
    if (revision !== undefined) {
      removeRevision(context, secret, Number(revision));
      return '';
    }
    context.change((state) => {
      state.secrets = state.secrets.filter(({ id }) => id !== secret.id);
    });
    return '';
  },
  'secret-grant': ({ context, argv }) => {
    const { flags, positional } = parseArguments(
      argv,
      { '--relation': true, '--unit': true },
      { '-r': '--relation' },
    );
    atMost(positional, 1);
    const secret = owned(context, positional[0]);
    const { remoteApplication } = relationOf(context, flags.get('--relation'));
    context.change((state) => {
      const stored = byId(state, secret.id);
      if (stored !== undefined && !stored.grants.includes(remoteApplication))
        stored.grants.push(remoteApplication);
    });
    return '';
  },
  'secret-ids': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, formatFlags);
    wantJson(flags);
    atMost(positional, 0);
    const { secrets, application } = context.seen;
    const ids = secrets.filter(({ owner }) => owner === application).map(({ id }) => id);
    return json(ids.length === 0 ? null : ids);
  },
  'secret-info-get': ({ context, argv }) => {
    const { flags, positional } = parseArguments(argv, { ...formatFlags, '--label': true });
    wantJson(flags);
    atMost(positional, 1);
    const label = flags.get('--label');
    const secret =
      positional[0] === undefined ? own(context.seen, label) : owned(context, positional[0]);
    if (secret === undefined) throw new ToolError(1, `secret "${label}" not found`);
    return json({
      [secret.id]: {
        revision: secret.revisions.length,
        label: secret.label ?? '',
        owner: 'application',
        rotation: 'never',
        access: secret.grants.map((grant) => ({ target: `application-${grant}`, role: 'view' })),
      },
    });
  },
};

const removeRevision = (context: HookContext, { id, revisions }: SecretState, revision: number) => {
  if (!(revision >= 1 && revision <= revisions.length))
    throw new ToolError(1, `secret revision ${revision} not found`);
  context.change((state) => {
    const stored = byId(state, id);
    if (stored === undefined) return;
    stored.revisions[revision - 1] = {};
    stored.removed = [...(stored.removed ?? []), revision];
  });
};

/** `--expire` takes RFC 3339, or a duration, which nobody here uses. */
const describe = (secret: SecretState, flags: ReadonlyMap<string, string>): void => {
  const description = flags.get('--description');
  if (description !== undefined) secret.description = description;
  const expire = flags.get('--expire');
  if (expire === undefined) return;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/.test(expire))
    throw new ToolError(2, `expire time or duration "${expire}" not valid`);
  secret.expires = new Date(expire).toISOString();
};

/**
 * Reads as `application` does, with Juju's rules: what it owns or was granted, and the pinned
 * revision unless asked for a newer one.
 */
export const readSecret = (
  state: UnitAgentState,
  application: string,
  secret: SecretState,
  how: { readonly peek: boolean; readonly refresh: boolean; readonly label?: string },
): Record<string, string> => {
  if (secret.owner !== application && !secret.grants.includes(application)) {
    const { jujuVersion, unit } = state;
    throw new ToolError(1, releaseOf(jujuVersion).secretDenied(`${application}/${unit}`));
  }
  const latest = secret.revisions.length;
  const consumer = (secret.consumers[application] ??= { revision: latest });
  if (how.refresh) consumer.revision = latest;
  if (how.label !== undefined && secret.owner !== state.application) consumer.label = how.label;
  return secret.revisions[(how.peek ? latest : consumer.revision) - 1] ?? {};
};

const read = (
  context: HookContext,
  secret: SecretState,
  flags: ReadonlyMap<string, string>,
  label: string | undefined,
): Record<string, string> => {
  let content: Record<string, string> = {};
  context.changeNow((state) => {
    const stored = byId(state, secret.id);
    if (stored === undefined) return;
    content = readSecret(state, state.application, stored, {
      peek: flags.has('--peek'),
      refresh: flags.has('--refresh'),
      ...(label === undefined ? {} : { label }),
    });
  });
  return content;
};

const find = (
  context: HookContext,
  reference: string | undefined,
  label: string | undefined,
): SecretState => {
  const { seen } = context;
  const secret =
    reference === undefined
      ? (own(seen, label) ??
        seen.secrets.find((known) => known.consumers[seen.application]?.label === label))
      : byId(seen, idOf(reference));
  if (secret !== undefined) return secret;
  if (reference === undefined) throw new ToolError(1, `consumer label "${label}" not found`);
  throw new ToolError(1, `secret "${idOf(reference)}" not found`);
};

/** `secret:<id>`, `secret://<model>/<id>` or the id alone. */
const idOf = (reference: string): string => {
  const id = reference.replace(/^secret:(\/\/[^/]+\/)?/, '');
  if (!/^[0-9a-z]{20}$/.test(id)) throw new ToolError(2, `secret URI "${reference}" not valid`);
  return id;
};

const byId = (state: UnitAgentState, id: string): SecretState | undefined =>
  state.secrets.find((secret) => secret.id === id);

const own = (state: UnitAgentState, label: string | undefined): SecretState | undefined =>
  state.secrets.find((secret) => secret.owner === state.application && secret.label === label);

const owned = (context: HookContext, reference: string | undefined): SecretState => {
  if (reference === undefined) throw new ToolError(2, 'missing secret URI');
  const secret = find(context, reference, undefined);
  mustLead(context);
  if (secret.owner !== context.seen.application)
    throw new ToolError(1, `secret "${secret.id}" not found`);
  return secret;
};

const mustLead = (context: HookContext): void => {
  if (!context.seen.leader) throw new ToolError(1, 'this unit is not the leader');
};

const newId = (): string => randomBytes(10).toString('hex');
