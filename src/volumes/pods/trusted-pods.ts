import { limitText } from '../../config/bandwidth-limit.ts';
import type { VolumesConfig } from '../../config/volumes.ts';
import type { Fields, GatewayStorage, Manifest } from '../../world.ts';
import { objectName, ownLabels, sessionMetadata } from '../records/names.ts';
import {
  certificates,
  container,
  goMemoryLimit,
  podHead,
  podSpec,
  resources,
  scratch,
  secretVariable,
} from './pod-parts.ts';

/*
 * The pods of the model's namespace. rclone alone has the keys of the bucket and speaks to it; what
 * restic needs of it stands in one place.
 */

export interface TrustedPod {
  readonly pod: Manifest;
  readonly secret: Manifest;
}

interface About {
  readonly namespace: string;
  readonly session: string;
  readonly repository: string;
  readonly storage: GatewayStorage;
  readonly config: VolumesConfig;
}

export const gatewayPort = 8080;

/**
 * The door to one repository for users' pods: files can be added and read there, and none changed
 * or deleted. It is open for the minutes of one session, and its password is of that session.
 */
export const gatewayPod = (about: About, password: string): TrustedPod => {
  const { namespace, session, repository } = about;
  const name = objectName(session, 'gateway', repository);
  const rclone = rcloneContainer(
    about,
    name,
    ['--append-only', '--addr', `:${gatewayPort}`],
    [
      secretVariable('RCLONE_PASS', name, 'gateway-password'),
      { name: 'RCLONE_USER', value: repository },
    ],
  );
  return {
    secret: secretManifest(about, name, 'gateway', { 'gateway-password': password }),
    pod: {
      ...podHead(namespace, name, ownLabels(namespace, session, 'gateway')),
      spec: podSpec(
        [
          {
            ...rclone,
            readinessProbe: { tcpSocket: { port: gatewayPort }, periodSeconds: 1 },
            ports: [{ containerPort: gatewayPort }],
          },
        ],
        [scratch('tmp', about.config.memory), certificates(name)],
      ),
    },
  };
};

/** What restic does to a repository; `task` is unique in a session. */
export interface RepositoryCommand {
  readonly task: string;
  readonly command: readonly string[];
  /** The gateway that is open; undefined for full access. */
  readonly gateway?: { readonly address: string; readonly password: string } | undefined;
  /** It may take as long as the backup of a volume; others are given up after an hour. */
  readonly isLong?: boolean;
  /** Bytes that are restored in the pod, with their owners. */
  readonly room?: number | undefined;
}

/**
 * restic on a repository, for what no user may do: with full access, and then its rclone listens
 * inside the pod only, so that nobody else reaches it; or through the gateway that is open.
 */
export const repositoryPod = (
  about: About,
  { task, command, gateway, room }: RepositoryCommand,
  password: string,
): TrustedPod => {
  const { namespace, session, repository, config } = about;
  const name = objectName(session, task, repository);
  const restic = {
    ...container('restic', config.resticImage, room !== undefined),
    resources: resources(config.memory),
    command: ['restic'],
    args: command,
    env: [
      { name: 'RESTIC_REPOSITORY', value: `rest:${gatewayUrl(gateway?.address ?? '127.0.0.1')}` },
      ...(gateway === undefined
        ? []
        : [
            { name: 'RESTIC_REST_USERNAME', value: repository },
            secretVariable('RESTIC_REST_PASSWORD', name, 'gateway-password'),
          ]),
      secretVariable('RESTIC_PASSWORD', name, 'repository-password'),
      { name: 'RESTIC_CACHE_DIR', value: '/tmp/cache' },
      { name: 'TMPDIR', value: '/tmp' },
      goMemoryLimit(config.memory),
    ],
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  };
  const rclone = rcloneContainer(about, name, ['--addr', `127.0.0.1:${gatewayPort}`], []);
  return {
    secret: secretManifest(about, name, task, {
      'repository-password': password,
      'gateway-password': gateway?.password ?? '',
    }),
    pod: {
      ...podHead(namespace, name, ownLabels(namespace, session, task)),
      spec: podSpec(gateway === undefined ? [rclone, restic] : [restic], [
        scratch('tmp', config.memory, room),
        certificates(name),
      ]),
    },
  };
};

/** An address of IPv6 stands in brackets. */
export const gatewayUrl = (address: string): string =>
  `http://${address.includes(':') ? `[${address}]` : address}:${gatewayPort}/`;

const rcloneContainer = (
  { session, repository, storage, config }: About,
  secret: string,
  options: readonly string[],
  more: readonly Fields[],
): Fields => {
  const { endpoint, region, style, bucket, prefix, ca } = storage;
  const variables: Readonly<Record<string, string>> = {
    RCLONE_CONFIG: '/tmp/rclone.conf',
    RCLONE_CACHE_DIR: '/tmp',
    RCLONE_S3_PROVIDER: 'Other',
    RCLONE_S3_ENDPOINT: endpoint,
    ...(region !== undefined && { RCLONE_S3_REGION: region }),
    RCLONE_S3_FORCE_PATH_STYLE: String(style === 'path'),
    // The bucket exists, and we may not be allowed to make one.
    RCLONE_S3_NO_CHECK_BUCKET: 'true',
    // The most that S3 takes. What comes in parts is none of restic's files then.
    RCLONE_S3_UPLOAD_CUTOFF: '5Gi',
    RCLONE_BWLIMIT: limitText(config.bandwidthLimit),
    ...(ca !== '' && { RCLONE_CA_CERT: '/ca/ca.crt' }),
  };
  return {
    ...container('rclone', config.rcloneImage),
    command: ['rclone'],
    args: [
      ...['serve', 'restic', '--header-upload', `x-amz-meta-${sessionMetadata}: ${session}`],
      ...options,
      // Without the slash at its end rclone asks whether this is a file. When S3 refuses that and
      // the repository is empty, it takes the folder above, which is that of all users.
      `:s3:${bucket}/${prefix}/volumes/repos/${repository}/`,
    ],
    env: [
      ...Object.entries(variables).map(([name, value]) => ({ name, value })),
      secretVariable('RCLONE_S3_ACCESS_KEY_ID', secret, 'access-key'),
      secretVariable('RCLONE_S3_SECRET_ACCESS_KEY', secret, 'secret-key'),
      ...more,
    ],
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'ca', mountPath: '/ca', readOnly: true },
    ],
  };
};

const secretManifest = (
  { namespace, session, storage }: About,
  name: string,
  role: string,
  passwords: Readonly<Record<string, string>>,
): Manifest => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'Opaque',
  metadata: { namespace, name, labels: ownLabels(namespace, session, role) },
  stringData: {
    'access-key': storage.accessKey,
    'secret-key': storage.secretKey,
    'ca.crt': storage.ca,
    ...passwords,
  },
});
