import type {
  ApplicationState,
  ModelState,
  RelationState,
  StatusState,
  UnitState,
} from '../../sandbox/model-state.ts';
import { applicationStatus, relatedTo } from '../../sandbox/model-status.ts';
import type { JujuRelease } from './release.ts';

/**
 * Client.FullStatus with Go's habits: null for what is empty, "" for alive, nothing at all for a
 * scale of 0.
 */
export const fullStatus = (
  { name, applications, relations }: ModelState,
  release: JujuRelease,
): Readonly<Record<string, unknown>> => ({
  model: {
    name,
    type: 'caas',
    'cloud-tag': 'cloud-microk8s',
    region: 'localhost',
    version: release.version,
    'available-version': '',
    'model-status': detailed({ status: 'available', message: '', since: new Date().toISOString() }),
    ...(release.hasMeters
      ? { 'meter-status': { color: '', message: '' }, sla: 'unsupported' }
      : {}),
  },
  machines: {},
  applications: Object.fromEntries(
    Object.values(applications).map((application) => [
      application.name,
      applicationReply(application, relations, release),
    ]),
  ),
  'remote-applications': {},
  offers: null,
  relations: relations.length === 0 ? null : relations.map(relationReply),
  'controller-timestamp': new Date().toISOString(),
  branches: {},
});

const applicationReply = (
  application: ApplicationState,
  relations: readonly RelationState[],
  release: JujuRelease,
) => ({
  charm: application.charm,
  'charm-version': '',
  'charm-profile': '',
  'charm-channel': application.channel,
  ...(release.tellsRevision ? { 'charm-rev': application.revision } : {}),
  base: { name: 'ubuntu', channel: '22.04/stable' },
  exposed: false,
  life: application.life === 'alive' ? '' : application.life,
  relations: orNull(relatedTo(application.name, relations)),
  'can-upgrade-to': '',
  'subordinate-to': [],
  units: Object.fromEntries(
    application.units.map((unit) => [unit.name, unitReply(unit, application, release)]),
  ),
  ...(release.hasMeters ? { 'meter-statuses': null } : {}),
  status: detailed(applicationStatus(application)),
  'workload-version': application.workloadVersion,
  'endpoint-bindings': { '': 'alpha' },
  'public-address': '10.152.183.9',
  ...(application.scale === 0 ? {} : { int: application.scale }),
});

const unitReply = (unit: UnitState, application: ApplicationState, release: JujuRelease) => ({
  'agent-status': { ...detailed(unit.agent), version: release.version },
  'workload-status': detailed(unit.workload),
  'workload-version': application.workloadVersion,
  machine: '',
  'opened-ports': null,
  'public-address': '',
  charm: '',
  subordinates: null,
  ...(unit.leader ? { leader: true } : {}),
  'provider-id': unit.name.replace('/', '-'),
  address: unit.address,
});

const detailed = ({ status, message, since }: StatusState) => ({
  status,
  info: message,
  data: null,
  since,
  kind: '',
  version: '',
  life: '',
});

const orNull = (related: Readonly<Record<string, readonly string[]>>) =>
  Object.keys(related).length === 0 ? null : related;

const relationReply = ({ id, interface: name, provider, requirer }: RelationState) => ({
  id,
  key: `${requirer.application}:${requirer.endpoint} ${provider.application}:${provider.endpoint}`,
  interface: name,
  scope: 'global',
  endpoints: [
    {
      application: requirer.application,
      name: requirer.endpoint,
      role: 'requirer',
      subordinate: false,
    },
    {
      application: provider.application,
      name: provider.endpoint,
      role: 'provider',
      subordinate: false,
    },
  ],
  status: detailed({ status: 'joined', message: '', since: new Date().toISOString() }),
});
