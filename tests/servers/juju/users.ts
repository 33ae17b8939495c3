import { JujuFailure } from './release.ts';

export interface JujuUser {
  readonly password: string;
  /** Undefined: the user exists but was granted nothing on this model. */
  readonly access?: 'read' | 'write' | 'admin';
  readonly disabled?: boolean;
  /** Logs in at an identity provider: the controller wants a macaroon. */
  readonly external?: boolean;
  /**
   * Of the controller. Login then says admin, but what needs write is refused without a grant
   * (until Juju 3.6).
   */
  readonly superuser?: boolean;
}

/** Who is logged in on a connection. */
export interface Identity {
  readonly tag: string;
  /** Users only: an agent may log in, but none of the facades that we need lets it in. */
  readonly isUser: boolean;
  readonly access: JujuUser['access'];
  readonly superuser: boolean;
}

/** The rules of apiserver/admin.go; undefined when the user has to get a macaroon elsewhere. */
export const authenticate = (
  users: Readonly<Record<string, JujuUser>>,
  tag: string,
  credentials: string,
): Identity | undefined => {
  if (/^(unit|application)-/.test(tag))
    return { tag, isUser: false, access: undefined, superuser: false };
  const user = users[tag.replace(/^user-/, '').replace(/@local$/, '')];
  if (user?.external || credentials === '') return undefined;
  if (!user || user.disabled || user.password !== credentials)
    throw new JujuFailure('invalid entity name or password', 'unauthorized access');
  if (!user.access && !user.superuser)
    throw new JujuFailure('permission denied', 'unauthorized access');
  return { tag, isUser: true, access: user.access, superuser: user.superuser ?? false };
};

/** The checks at the head of each facade's methods (checkCanRead, checkCanWrite). */
export const authorize = (identity: Identity, needs: 'read' | 'write'): void => {
  const { isUser, access, superuser } = identity;
  const allowed =
    isUser &&
    (needs === 'read'
      ? access !== undefined || superuser
      : access === 'write' || access === 'admin');
  if (!allowed) throw new JujuFailure('permission denied', 'unauthorized access');
};
