import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Options } from '../sandbox/box/configure.ts';
import { type Box, type BoxOptions, startBox } from '../sandbox/box.ts';

const directory = mkdtempSync(join(tmpdir(), 'box-templates-'));
const templates = new Map<string, Promise<string>>();
let copies = 0;

process.once('exit', () => {
  rmSync(directory, { recursive: true, force: true });
});

/**
 * A box of a test's own, deployed and integrated. To deploy takes a while, so that each kind of box
 * is deployed once and then copied.
 */
export const copyOfBox = async (
  kind: Omit<BoxOptions, 'directory'> = {},
  environment: BoxOptions['environment'] = {},
  units = 1,
): Promise<Box> => {
  const name = JSON.stringify(kind);
  const template = templates.get(name) ?? deploy(kind);
  templates.set(name, template);
  const copy = join(directory, `copy-${++copies}`);
  cpSync(await template, copy, { recursive: true });
  const box = await startBox({ directory: copy, pace: 20, environment, units });
  return {
    ...box,
    async [Symbol.asyncDispose]() {
      await box[Symbol.asyncDispose]();
      rmSync(copy, { recursive: true, force: true });
    },
  };
};

const deploy = async (kind: Omit<BoxOptions, 'directory'>): Promise<string> => {
  const template = join(directory, `template-${templates.size}`);
  const box = await startBox({ small: true, pace: 20, ...kind, directory: template });
  await box[Symbol.asyncDispose]();
  return template;
};

/**
 * One box for all tests of a `describe`, for failures that change nothing. What a test configured
 * or broke is mended after it.
 */
export const sharedBox = (options: Options = {}): (() => Box) => {
  let box: Box | undefined;
  let unit: string;
  before(async () => {
    box = await copyOfBox();
    if (Object.keys(options).length > 0) await box.configure(options);
  });
  beforeEach(() => {
    unit = JSON.stringify(shared().unit.agent.state);
  });
  afterEach(() => {
    const { stores, neighbours } = shared();
    stores.minio.mend();
    stores.target.mend();
    neighbours.s3Integrator = stores.s3Integrator;
    Object.assign(shared().unit.agent.state, JSON.parse(unit));
  });
  after(async () => box?.[Symbol.asyncDispose]());
  const shared = (): Box => {
    if (box === undefined) throw new Error('the box did not start');
    return box;
  };
  return shared;
};
