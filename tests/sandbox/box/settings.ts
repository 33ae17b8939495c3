import { randomBytes, randomUUID } from 'node:crypto';
import type { JujuLine } from '../../servers/juju/release.ts';
import type { MysqlProfileName } from '../mysql/profiles.ts';

/** What is decided when a box is built, and stays. */
export interface Settings {
  readonly modelUuid: string;
  readonly juju: JujuLine;
  readonly mysql: MysqlProfileName;
  /** Units of each database at deployment. */
  readonly databaseUnits: number;
  readonly s3Integrator: 1 | 2;
  /** A few objects and rows instead of thousands. */
  readonly small: boolean;
  readonly keys: Keys;
}

/** Every password and key of the box. */
export interface Keys {
  readonly jujuPassword: string;
  readonly minioSecretKey: string;
  readonly targetSecretKey: string;
  readonly kubernetesToken: string;
}

export const newSettings = (chosen: Partial<Omit<Settings, 'keys' | 'modelUuid'>>): Settings => ({
  modelUuid: randomUUID(),
  juju: '3.6',
  mysql: '8.0-344',
  databaseUnits: 1,
  s3Integrator: 2,
  small: false,
  keys: {
    jujuPassword: secret(),
    minioSecretKey: minioSecret(),
    targetSecretKey: secret(),
    kubernetesToken: secret(),
  },
  ...chosen,
});

const secret = (): string => randomBytes(18).toString('base64url');

/**
 * 30 characters of A-Z and 0-9 as the charm makes them, of the kind that a YAML parser may take for
 * a number.
 */
const minioSecret = (): string =>
  `${Array.from({ length: 20 }, () => (randomBytes(1)[0] ?? 0) % 10).join('')}E123456789`;
