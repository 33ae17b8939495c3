import { Readable } from 'node:stream';
import type { MlmdPlace } from '../../backup/mlmd/pod.ts';
import { CharmError } from '../../errors.ts';
import type { Kubernetes } from '../../world.ts';
import { execText, type ExecText } from '../exec-text.ts';
import { assertRestored, type Inspection, type RowCounts } from './database.ts';
import type { Dump } from './dump.ts';
import { restoreScript } from './python-script.ts';
import { sqlStatements } from '../sql-statements.ts';

export interface PythonRestore {
  readonly kubernetes: Kubernetes;
  readonly place: MlmdPlace;
  readonly expected: RowCounts;
  /** The name under which the replaced database is kept, in the same directory. */
  readonly kept: string;
  readonly signal: AbortSignal;
  /** Seconds until nobody has the old database open any more. */
  readonly patience: number;
}

/** Whether Python can do it there: it is installed, may write beside the database, and can give the new file to the old one's owner. */
export const canUsePython = async (
  kubernetes: Kubernetes,
  { target, file }: MlmdPlace,
  signal: AbortSignal,
): Promise<boolean> => {
  const { exitCode } = await execText(
    kubernetes,
    target,
    ['python3', '-I', '-c', restoreScript, 'probe', file],
    { signal },
  );
  return exitCode === 0;
};

/**
 * Restores with Python's sqlite3, in a container that has it: loads the dump into a new file on the same volume, checks it there, and puts it into
 * the place of the old one while that is locked, so that nobody who still has the old one open can spoil the new one.
 */
export const restoreWithPython = async (restore: PythonRestore, dump: Dump): Promise<RowCounts> => {
  const { kubernetes, place, expected, kept, signal, patience } = restore;
  const run = (words: readonly string[], stdin?: Readable): Promise<ExecText> =>
    execText(kubernetes, place.target, ['python3', '-I', '-c', restoreScript, ...words], {
      signal,
      ...(stdin && { stdin }),
    });

  const stdin = Readable.from(framed(dump), { objectMode: false });
  const loaded = resultOf(await run(['load', place.file], stdin));
  try {
    assertRestored(loaded, expected);
  } catch (error) {
    await run(['discard', place.file]);
    throw error;
  }
  resultOf(await run(['switch', place.file, kept, String(patience)]));
  return loaded.rows;
};

/**
 * A line of JSON for each statement, or for each piece of a database file in base64, and `null` at the end: the connection to a container cannot
 * be ended from our side before Kubernetes 1.30, and a dump that was cut off must not look like one that ended.
 */
async function* framed(dump: Dump): AsyncGenerator<Buffer> {
  const lines = dump.kind === 'sql' ? sqlStatements(dump.content) : encoded(dump.content);
  let text = `${JSON.stringify(dump.kind)}\n`;
  for await (const line of lines) {
    text += `${JSON.stringify(line)}\n`;
    if (text.length < 65_536) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(`${text}null\n`);
}

async function* encoded(content: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  for await (const chunk of content) yield Buffer.from(chunk).toString('base64');
}

const resultOf = ({ exitCode, stdout, stderr }: ExecText): Inspection => {
  const failure = stderr.split('\n').at(-1) ?? '';
  if (exitCode !== 0) {
    throw new CharmError(
      /No space left|disk is full/i.test(failure) ? 'disk-full' : 'mlmd-restore-failed',
      `ML Metadata could not be restored: ${failure || `python3 ended with exit status ${exitCode}`}. The database is as it was.`,
    );
  }
  const value: unknown = JSON.parse(stdout);
  if (isInspection(value)) return value;
  throw new TypeError('python3 said something else than expected');
};

const isInspection = (value: unknown): value is Inspection =>
  typeof value === 'object' &&
  value !== null &&
  'integrity' in value &&
  typeof value.integrity === 'string' &&
  'rows' in value &&
  typeof value.rows === 'object';
