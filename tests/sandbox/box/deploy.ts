import type { Model } from '../model.ts';
import { type BackupUnit, install } from './backup-unit.ts';
import { giveLogin, loginSecret } from './configure.ts';
import type { Neighbours } from './neighbours.ts';
import { integrate, integrations, settle } from './relations.ts';
import type { Settings } from './settings.ts';

/**
 * Deploys ckf-backup as the README says, with every hook that Juju would run; `tell` gets each
 * command.
 */
export const deploy = async (
  model: Model,
  unit: BackupUnit,
  neighbours: Neighbours,
  { keys, s3Integrator }: Settings,
  tell: (command: string) => void,
): Promise<void> => {
  tell('juju deploy ./ckf-backup_ubuntu@24.04-amd64.charm ckf-backup --trust');
  await install(unit);
  for (const integration of integrations) {
    tell(`juju integrate ${integration.slice(1).join(' ')}`);
    await integrate(model, unit, neighbours, integration);
  }
  tell(`juju config ckf-backup juju-credentials=secret:${loginSecret}`);
  giveLogin(unit.agent.state, keys.jujuPassword);
  await unit.hook({ hook: 'config-changed' });
  // Track 1 answers only once the charm has given up waiting for the marker of track 2.
  if (s3Integrator === 1) await unit.hook({ hook: 'update-status' });
  await settle(model, unit, neighbours);
};
