import { randomBytes } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { UnitAgentState } from './state.ts';
import { tools } from './tools.ts';

/**
 * Lays the unit out as Juju does: the charm's directory, agent.conf next to it, and the hook tools.
 */
export const layOutUnit = async (
  directory: string,
  source: string,
  state: UnitAgentState,
  controller: { readonly addresses: readonly string[]; readonly ca: string },
): Promise<{ readonly charmDirectory: string; readonly toolsDirectory: string }> => {
  const tag = `unit-${state.application}-${state.unit}`;
  const unitDirectory = join(directory, 'agents', tag);
  const charmDirectory = join(unitDirectory, 'charm');
  const toolsDirectory = join(directory, 'tools', tag);
  await layOutCharm(source, charmDirectory);
  await writeTools(toolsDirectory);
  await writeFile(
    join(unitDirectory, 'agent.conf'),
    `# format 2.0\n${stringify({
      tag,
      cacert: controller.ca,
      apiaddresses: controller.addresses,
      apipassword: randomBytes(18).toString('base64'),
      model: `model-${state.model.uuid}`,
      upgradedToVersion: state.jujuVersion,
    })}`,
    { mode: 0o600 },
  );
  return { charmDirectory, toolsDirectory };
};

/** Links stand for the copies that Juju makes of the charm's files. */
const layOutCharm = async (source: string, charmDirectory: string): Promise<void> => {
  await mkdir(join(charmDirectory, 'node_modules/.bin'), { recursive: true });
  const files = ['dispatch', 'dist', 'metadata.yaml', 'config.yaml', 'actions.yaml'];
  for (const file of [...files, 'node_modules/.bin/node'])
    await symlink(join(source, file), join(charmDirectory, file));
};

const writeTools = async (toolsDirectory: string): Promise<void> => {
  await mkdir(toolsDirectory, { recursive: true });
  const jujuc = join(import.meta.dirname, 'hook-tool');
  for (const name of Object.keys(tools)) await symlink(jujuc, join(toolsDirectory, name));
};
