import { readNotifyUrl } from '../config/notify-url.ts';
import { lokiAddresses } from '../relations/loki.ts';
import type { NoticeSubject, Notifier, RunLog } from '../world.ts';
import type { Wiring } from './wiring.ts';

/**
 * Undefined when nobody is to be told of this. The address is a secret, and hidden. What waits for
 * a message of one schedule must not take that of another for it, so volumes are told of to a
 * service of that kind only at an address of their own.
 */
export const openNotifier = async (
  { tools, config, application, redaction, clock, proxyTo }: Wiring,
  about: NoticeSubject = 'control-plane',
): Promise<Notifier | undefined> => {
  const read = await readNotifyUrl(tools, config, application);
  const shared = config.notifyStyle === 'text' ? read?.url : undefined;
  const url = about === 'volumes' ? (read?.volumesUrl ?? shared) : read?.url;
  if (url === undefined) return undefined;
  const address = { url, ca: read?.ca };
  redaction.hide(address.url);
  const { openNotifier: open } = await import('../adapters/notifier.ts');
  return open({
    ...{ ...address, style: config.notifyStyle, clock },
    redact: (text) => redaction.redact(text),
    proxy: proxyTo(address.url),
  });
};

/** Undefined when no Loki is related, or none has said its address yet. */
export const openRunLog = async ({
  tools,
  redaction,
  model,
  application,
  unit,
}: Wiring): Promise<RunLog | undefined> => {
  const [relationId] = await tools.relationIds('logging');
  if (relationId === undefined) return undefined;
  const urls = lokiAddresses(await tools.remoteUnitsData(relationId));
  if (urls.length === 0) return undefined;
  const { openLoki } = await import('../adapters/loki.ts');
  return openLoki({
    urls,
    redact: (text) => redaction.redact(text),
    // As Canonical's log forwarder labels what it sends.
    labels: {
      ...{ product: 'Juju', charm: 'ckf-backup', juju_model: model.name },
      ...{ juju_model_uuid: model.uuid, juju_application: application, juju_unit: unit },
      job: `juju_${model.name}_${model.uuid.slice(0, 8)}_${application}`,
    },
  });
};
