import type { ApplicationStatus, ModelStatus, UnitStatus } from '../../world.ts';
import type { ApplicationReply, DetailedStatus, StatusReply, UnitReply } from './replies.ts';

/** The reply of Client.FullStatus in our own words. */
export const modelStatus = ({ model, applications }: StatusReply): ModelStatus => ({
  name: model.name,
  applications: new Map(
    Object.entries(applications ?? {}).flatMap(([name, application]) =>
      application ? [[name, applicationStatus(name, application)]] : [],
    ),
  ),
});

const applicationStatus = (name: string, reply: ApplicationReply): ApplicationStatus => ({
  name,
  charm: reply.charm,
  charmRevision: reply['charm-rev'] ?? revisionIn(reply.charm),
  workloadVersion: reply['workload-version'] ?? '',
  life: reply.life || 'alive',
  status: statusOf(reply.status),
  scale: reply.int ?? 0,
  units: Object.entries(reply.units ?? {})
    .map(([unit, fields]) => unitStatus(unit, fields))
    .sort((one, other) => numberOf(one) - numberOf(other)),
  related: Object.fromEntries(
    Object.entries(reply.relations ?? {}).map(([endpoint, others]) => [endpoint, others ?? []]),
  ),
});

const unitStatus = (name: string, reply: UnitReply): UnitStatus => ({
  name,
  leader: reply.leader ?? false,
  workload: statusOf(reply['workload-status']),
  agent: statusOf(reply['agent-status']),
});

const statusOf = (reply: DetailedStatus | undefined) => ({
  status: reply?.status ?? 'unknown',
  message: reply?.info ?? '',
});

/** Before Juju 3.6 the revision stands in the charm's URL only. */
const revisionIn = (charm: string): number | undefined => {
  const [, digits] = /-(\d+)$/.exec(charm) ?? [];
  return digits === undefined ? undefined : Number(digits);
};

const numberOf = ({ name }: UnitStatus) => Number(name.slice(name.lastIndexOf('/') + 1));
