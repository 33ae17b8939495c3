import type { DispatchResult } from '../../servers/unit-agent/unit-agent.ts';
import type { Box } from '../box.ts';

/** Juju's own timer: runs secret-expired for the secret of this label, whatever the time is. */
export const ringAlarm = async (box: Box, label: string): Promise<DispatchResult> => {
  const secret = box.unit.agent.state.secrets.find((one) => one.label === label);
  if (secret?.expires === undefined) throw new Error(`there is no alarm ${label}`);
  const result = await box.unit.hook({ hook: 'secret-expired', secret: { id: secret.id, label } });
  await box.settle();
  return result;
};
