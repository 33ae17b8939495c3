import { actionTools } from './unit-agent-action-tools.ts';
import { relationTools } from './unit-agent-relation-tools.ts';
import { secretTools } from './unit-agent-secret-tools.ts';
import type { Tool } from './unit-agent-tool.ts';
import { unitTools } from './unit-agent-unit-tools.ts';

/** Every hook tool that the agent offers, by its name. */
export const tools: Readonly<Record<string, Tool>> = {
  ...unitTools,
  ...actionTools,
  ...relationTools,
  ...secretTools,
};
