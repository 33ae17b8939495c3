import { s3Profiles } from '../../tests/servers/s3/profiles.ts';
import { s3Quirks, type S3Quirk } from '../../tests/servers/s3/quirks.ts';
import { table } from './tables.ts';

/**
 * What is known of S3 servers, as the tests' own server does it: each quirk once, with the servers
 * that have it.
 */
export const serversTable = (): string => {
  const servers = Object.values(s3Profiles);
  const rows = Object.entries(s3Quirks).map(([quirk, known]) => {
    const having = servers
      .filter(({ quirks }) => (quirks as readonly S3Quirk[]).includes(quirk as S3Quirk))
      .map(({ title }) => title);
    const others = 'others' in known ? [known.others] : [];
    return [known.does, [...having, ...others].join('; '), known.source];
  });
  return table(['it …', 'servers', 'known from'], rows);
};
