import { layoutOf } from '../layout.ts';

/**
 * Which generation of a database's path this is: 1 for `<prefix>/kfp-db`, 2 for `<prefix>/kfp-db-2`, and so on. Undefined for a path that we
 * would not hand to this database under this prefix.
 */
export const generationOf = (
  prefix: string,
  endpoint: string,
  path: string | undefined,
): number | undefined => {
  const first = layoutOf(prefix).databasePath(endpoint, 1);
  if (path === first) return 1;
  const number = path?.startsWith(`${first}-`) ? path.slice(first.length + 1) : '';
  return /^[1-9]\d{0,8}$/.test(number) && number !== '1' ? Number(number) : undefined;
};
