import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { CharmError, type ErrorCode, errorCodes } from '../../src/errors.ts';
import { type Facts, statusOf } from '../../src/hooks/status.ts';
import { statusText } from '../../src/hooks/status-text.ts';
import { table } from './tables.ts';

/**
 * A message as the source has it; what is filled in when it is said stands in `<angle brackets>`.
 */
export interface KnownMessage {
  /** Undefined when it passes another failure's code on. */
  readonly code: ErrorCode | undefined;
  readonly file: string;
  readonly message: string;
  /** What `juju status` shows of it. */
  readonly status: string;
  /** The first command that it tells; empty when it tells none. */
  readonly command: string;
}

/** Every expected failure that `src` makes, by its code, read from the source itself. */
export const knownMessages = async (root: string): Promise<readonly KnownMessage[]> => {
  const found: KnownMessage[] = [];
  for await (const path of glob('src/**/*.ts', { cwd: root })) {
    const text = await readFile(join(root, path), 'utf8');
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    const visit = (node: ts.Node): void => {
      if (ts.isNewExpression(node) && node.expression.getText(source) === 'CharmError')
        found.push(messageOf(path, source, node.arguments ?? []));
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found
    .filter(({ message }) => /[a-z]{3}/.test(message.replaceAll(/<[^>]*>/g, '')))
    .sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
};

export const messagesTable = async (root: string): Promise<string> =>
  table(
    ['code', 'message', 'length', 'what juju status shows', 'length', 'command'],
    (await knownMessages(root)).map(({ code, message, status, command }) => [
      code === undefined ? 'that of its cause' : `\`${code}\``,
      cell(message),
      String(message.length),
      cell(status),
      String(status.length),
      command === '' ? '' : `\`${cell(command)}\``,
    ]),
  );

const well: Facts = {
  application: 'ckf-backup',
  ...{ controller: [], options: [], action: [] },
  ...{ journal: undefined, trust: undefined, s3: undefined, objectStorage: undefined },
  ...{ lastBackup: undefined, lastAttempt: undefined },
};
const lastBackup = { id: '2026-11-21T20:15:00Z', bytes: 123 * 2 ** 30, consistent: true };
const lastAttempt = { at: '2026-11-22T02:00:00.000Z', task: '17', outcome: 'begun' } as const;
const next = new Date('2026-11-23T02:00:00Z');
const waiting = (hindrance: NonNullable<ReturnType<typeof hindrances>[number]>) => ({
  ...{ paused: false, next },
  waiting: { slot: next, until: new Date('2026-11-23T08:00:00Z'), hindrance },
});
const hindrances = () =>
  [
    { kind: 'task', task: '17' },
    { kind: 'excluded', until: new Date('2026-11-23T06:00:00Z') },
    { kind: 'busy', running: ['Workflow alice/train (Running)'] },
    { kind: 'occupied' },
    { kind: 'unreachable' },
    { kind: 'retry', attempt: 2 },
  ] as const;

/** The statuses that are no failure, or that speak of the last backup, as `statusOf` says them. */
export const knownStatuses = (): readonly { readonly name: string; readonly message: string }[] =>
  [
    {},
    { lastBackup },
    { lastBackup: { ...lastBackup, consistent: false, verified: 'intact' } as const },
    { lastBackup, schedule: { paused: false, next } },
    { lastBackup, schedule: { paused: true } },
    { lastBackup, schedule: { paused: false, next }, volumesSchedule: { paused: false, next, missed: 2 } }, // prettier-ignore
    { lastBackup, volumesSchedule: { paused: false, failed: { slot: next, task: '17' } } },
    ...hindrances().map((hindrance) => ({ lastBackup, schedule: waiting(hindrance) })),
    { lastBackup, lastAttempt },
    { lastBackup, lastAttempt: { ...lastAttempt, outcome: 'failed', code: 'stopped' } as const },
    { lastBackup, lastAttempt: { ...lastAttempt, outcome: 'failed', code: 'store-unreachable' } as const }, // prettier-ignore
    { lastBackup, lastAttempt: { ...lastAttempt, outcome: 'failed', code: 'objects-failed' } as const }, // prettier-ignore
    { lastBackup: { ...lastBackup, verified: 'damaged' } as const },
    { lastBackup, schedule: { paused: false, failed: { slot: next, task: '17' } } },
  ].map((facts) => statusOf({ ...well, ...facts }));

export const statusesTable = (): string =>
  table(
    ['status', 'message', 'shown', 'whole'],
    knownStatuses().map(({ name, message }) => [
      `\`${name}\``,
      cell(message),
      String((message.split(' | ')[0] ?? '').length),
      String(message.length),
    ]),
  );

const keyOf = ({ code, file, message }: KnownMessage): string =>
  [code ?? '~', file, message].join('\n');

/** Juju's own `<placeholder>` and a pipe would be taken for HTML and for the next cell. */
const cell = (text: string): string =>
  text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');

const messageOf = (
  file: string,
  source: ts.SourceFile,
  [first, second, third]: readonly ts.Expression[],
): KnownMessage => {
  const code =
    first && ts.isStringLiteral(first) && first.text in errorCodes ? first.text : undefined;
  const message = second === undefined ? '' : render(second, source);
  const brief = briefOf(third, source);
  const known = code as ErrorCode | undefined;
  const error = new CharmError(known ?? 'interrupted', message, brief ? { brief } : {});
  const [status = ''] = statusText(error).split(' | ');
  return {
    ...{ code: known, file, message },
    status: known === undefined ? status.replace('[interrupted]', '[…]') : status,
    command: brief?.run ?? commandIn(message),
  };
};

const commandIn = (message: string): string =>
  /\b(juju [a-z][^.,;)]*(?:\.[a-z0-9][^.,;)]*)*)/.exec(message)?.[1]?.trim() ?? '';

const briefOf = (
  options: ts.Expression | undefined,
  source: ts.SourceFile,
): { readonly what: string; readonly run: string } | undefined => {
  const brief = propertyOf(options, 'brief');
  const [what, run] = [propertyOf(brief, 'what'), propertyOf(brief, 'run')];
  return what && run ? { what: render(what, source), run: render(run, source) } : undefined;
};

const propertyOf = (object: ts.Node | undefined, name: string): ts.Expression | undefined => {
  if (object === undefined || !ts.isObjectLiteralExpression(object)) return undefined;
  const found = object.properties.find((property) => property.name?.getText() === name);
  return found && ts.isPropertyAssignment(found) ? found.initializer : undefined;
};

const render = (node: ts.Expression, source: ts.SourceFile): string => {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isParenthesizedExpression(node)) return render(node.expression, source);
  if (ts.isConditionalExpression(node))
    return render(node.whenTrue, source) || render(node.whenFalse, source);
  if (ts.isBinaryExpression(node))
    return node.operatorToken.kind === ts.SyntaxKind.PlusToken
      ? render(node.left, source) + render(node.right, source)
      : render(node.left, source);
  if (ts.isTemplateExpression(node))
    return node.templateSpans.reduce(
      (text, span) => `${text}${render(span.expression, source)}${span.literal.text}`,
      node.head.text,
    );
  return `<${nameOf(node, source)}>`;
};

/** The last word of what is filled in: `<name>` of `application.name`, `<listText>` of a call. */
const nameOf = (node: ts.Expression, source: ts.SourceFile): string => {
  const text = node.getText(source).replace(/\(.*$/s, '');
  return /(\w+)\W*$/.exec(text)?.[1] ?? '…';
};
