import { actionTools } from './action-tools.ts';
import { relationTools } from './relation-tools.ts';
import { secretTools } from './secret-tools.ts';
import type { Tool } from './tool.ts';
import { unitTools } from './unit-tools.ts';

/** Every hook tool that the agent offers, by its name. */
export const tools: Readonly<Record<string, Tool>> = {
  ...unitTools,
  ...actionTools,
  ...relationTools,
  ...secretTools,
};
