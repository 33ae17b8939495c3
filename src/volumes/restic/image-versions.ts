import { options } from '../../config/options.ts';
import { CharmError } from '../../errors.ts';
import { type Fields, fieldsOf, textOf } from '../../ports/fields.ts';
import { readText } from '../../repository/read-text.ts';
import { waitUntil } from '../../wait-until.ts';
import { objectName, ownLabels } from '../records/names.ts';
import type { VolumeOperation } from '../records/operation.ts';
import { container, podHead, podSpec, scratch } from '../pods/pod-parts.ts';
import { notStarted, startPod } from './repository-command.ts';
import { firstLine } from './restic.ts';

const tools = [
  {
    name: 'restic',
    option: 'restic-image',
    oldest: [0, 18, 0],
    why: 'older ones do not say what a check found',
  },
  {
    name: 'rclone',
    option: 'rclone-image',
    oldest: [1, 75, 0],
    why: 'older ones let a user reach the backups of another',
  },
] as const;

type Tool = (typeof tools)[number];

const startSeconds = 300;

/**
 * Makes sure that the images have a restic and an rclone that are new enough. Each image is asked
 * once, by a pod; what it said is kept in S3. Rejects with `volume-image-old`, which is not kept:
 * an image that was mended is asked again.
 */
export const assertImages = async (operation: VolumeOperation): Promise<void> => {
  const { target, layout, config } = operation;
  const images = { restic: config.resticImage, rclone: config.rcloneImage };
  const known = await readKnown(operation);
  if (tools.every((tool) => isNewEnough(tool, known.get(images[tool.name]) ?? ''))) return;
  await operation.world.progress.step('Asking the images for their versions');
  const said = await askImages(operation, images);
  for (const tool of tools) {
    const problem = imageProblem(tool, images[tool.name], said[tool.name], operation);
    if (problem !== undefined) throw problem;
  }
  const versions = Object.fromEntries(tools.map(({ name }) => [images[name], said[name]]));
  await target.store.put(layout.volumeImages, JSON.stringify({ format: 1, versions }), {
    metadata: { contentType: 'application/json' },
  });
};

/** By image. A file that cannot be read says nothing. */
const readKnown = async ({
  target,
  layout,
}: VolumeOperation): Promise<ReadonlyMap<string, string>> => {
  const text = (await readText(target.store, layout.volumeImages)) ?? '';
  let fields: Fields = {};
  try {
    fields = fieldsOf(fieldsOf(JSON.parse(text))['versions']);
  } catch {
    // As if nobody had asked.
  }
  return new Map(Object.entries(fields).map(([image, version]) => [image, textOf(version)]));
};

type ByTool = Readonly<Record<Tool['name'], string>>;

const askImages = async (operation: VolumeOperation, images: ByTool): Promise<ByTool> => {
  const { access, session, world } = operation;
  const { cluster } = access;
  const { namespace } = cluster;
  const containers = tools.map(({ name }) => ({
    ...container(name, images[name]),
    command: [name],
    args: ['version'],
    env: [{ name: 'HOME', value: '/tmp' }],
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  }));
  await using pod = await startPod(operation, {
    pod: {
      ...podHead(
        namespace,
        objectName(session, 'versions'),
        ownLabels(namespace, session, 'versions'),
      ),
      spec: podSpec(containers, [scratch('tmp', operation.config.memory)]),
    },
  });
  let why = 'not ready';
  const ask = async (tool: Tool['name']): Promise<string> => {
    await waitUntil(
      { clock: world.clock, seconds: startSeconds, signal: world.signal },
      async () => {
        const state = await pod.state(tool);
        if (state.kind === 'ended') return true;
        if (state.kind !== 'waiting') return undefined;
        ({ why } = state);
        if (state.imageProblem) throw await notStarted(operation, namespace, pod.name, why);
        return undefined;
      },
      async () => {
        throw await notStarted(operation, namespace, pod.name, why);
      },
    );
    const log = await cluster.log(namespace, pod.name, tool);
    return /\bv?(\d+\.\d+\.\d+)/.exec(log)?.[1] ?? firstLine(log);
  };
  return { restic: await ask('restic'), rclone: await ask('rclone') };
};

/** Undefined when the image is new enough. */
export const imageProblem = (
  tool: Tool,
  image: string,
  said: string,
  { world: { application } }: { readonly world: Pick<VolumeOperation['world'], 'application'> },
): CharmError | undefined => {
  if (isNewEnough(tool, said)) return undefined;
  const { name, option, oldest, why } = tool;
  return new CharmError(
    'volume-image-old',
    `The image ${image} has ${/^\d/.test(said) ? `${name} ${said}` : `no ${name} that tells its version, but said: ${said}`}. It must be ${oldest.join('.')} or later: ${why}.` +
      ` No volume was touched. Run: juju config ${application} ${option}=${options[option].default}, or the same from your mirror.`,
  );
};

const isNewEnough = ({ oldest }: Tool, version: string): boolean => {
  if (!/^\d+\.\d+\.\d+/.test(version)) return false;
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  const difference = oldest.map((part, at) => (parts[at] ?? 0) - part).find((one) => one !== 0);
  return (difference ?? 0) >= 0;
};
