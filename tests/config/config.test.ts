import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'yaml';
import { limitText, parseBandwidthLimit, partOfLimit } from '../../src/config/bandwidth-limit.ts';
import { options } from '../../src/config/options.ts';
import { parseConfig } from '../../src/config/config.ts';
import { createAuthority } from '../servers/network/certificates.ts';
import { CharmError, hasCode } from '../../src/errors.ts';
import { aConfig } from '../rigs/config.ts';

interface Declared {
  readonly type: string;
  readonly default?: unknown;
}

const declared = (
  parse(readFileSync(join(import.meta.dirname, '../../config.yaml'), 'utf8')) as {
    options: Record<string, Declared>;
  }
).options;

const jujuType = (name: string, type: string): string => {
  if (
    [
      'juju-credentials',
      'signing-key',
      'retention-credentials',
      'volumes-key',
      'notify-url',
    ].includes(name)
  )
    return 'secret';
  return type === 'integer' ? 'int' : type;
};

describe('the options', () => {
  it('are those of config.yaml, with the same types and defaults', () => {
    const known = Object.entries(options).map(([name, option]) => [
      name,
      jujuType(name, option.type),
      'default' in option ? option.default : undefined,
    ]);
    assert.deepEqual(
      known,
      Object.entries(declared).map(([name, option]) => [name, option.type, option.default]),
    );
  });

  it('take the authority of MinIO in PEM or base64, and never show what was given instead', async () => {
    const ca = (await createAuthority()).ca.trim();
    for (const given of [ca, Buffer.from(ca).toString('base64')])
      assert.deepEqual(parseConfig({ 'object-storage-ca': given }).objectStorageCa, [ca]);
    for (const given of ['hushhush', `${ca}\n-----BEGIN PRIVATE KEY-----hush`])
      assert.throws(
        () => parseConfig({ 'object-storage-ca': given }),
        (error) =>
          hasCode(error, 'option-invalid') &&
          error.message.includes('object-storage-ca=@ca.pem') &&
          !error.message.includes('hush'),
      );
  });

  it('refuse a location with keys, and do not repeat them', () => {
    for (const url of ['https://AKIA1:hush@s3.example.com/own', 'https://s3/own?secret-key=hush'])
      assert.throws(
        () => parseConfig({ 'database-locations': `kfp-db=${url}` }),
        (error) =>
          hasCode(error, 'option-invalid') &&
          error.message.includes('without keys') &&
          !error.message.includes('hush'),
      );
  });

  it('say for each span of time how many sets are kept', () => {
    const given = { 'keep-last': 1, 'keep-daily': 2, 'keep-weekly': 3, 'keep-monthly': 4 };
    assert.deepEqual(parseConfig(given).keep, { last: 1, daily: 2, weekly: 3, monthly: 4 });
  });

  it('have the defaults of config.yaml when Juju leaves them out', () => {
    const defaults = Object.fromEntries(
      Object.entries(declared).flatMap(([name, option]) =>
        option.default === undefined ? [] : [[name, option.default]],
      ),
    );
    assert.deepEqual(parseConfig({}), parseConfig(defaults));
    assert.deepEqual(parseConfig({}), {
      jujuCredentials: undefined,
      signingKey: undefined,
      components: ['kfp-db', 'katib-db', 'mlmd', 'mlpipeline'],
      bucket: undefined,
      path: undefined,
      bandwidthLimit: [{ minute: 0, bytesPerSecond: undefined }],
      transfers: 16,
      copyProcesses: 0,
      sourceBuckets: ['mlpipeline'],
      objectStorageCa: [],
      mlmdApplication: 'mlmd',
      metadataWriterApplication: 'kfp-metadata-writer',
      databaseUnits: 2,
      databaseLocations: {},
      serverSideEncryption: undefined,
      retentionCredentials: undefined,
      keep: { last: 0, daily: 0, weekly: 0, monthly: 0 },
      schedule: undefined,
      runDeadline: 12 * 3_600_000,
      volumesSchedule: undefined,
      volumes: aConfig().volumes,
      notifyUrl: undefined,
      notifyStyle: 'text',
      dashboardUrl: undefined,
    });
  });

  it('say when backups are made by themselves', () => {
    const given = {
      ...{
        schedule: ' 0 2 * * * ',
        'schedule-timezone': 'Europe/Berlin',
        'schedule-exclude': 'Sat',
      },
      ...{ 'schedule-paused': true, 'schedule-start-deadline': '1d12h', 'schedule-retries': 0 },
      ...{ 'schedule-when-busy': 'skip', 'run-deadline': '90m' },
    };
    assert.partialDeepStrictEqual(parseConfig(given), {
      schedule: {
        ...{ pattern: '0 2 * * *', timezone: 'Europe/Berlin', exclude: 'Sat', paused: true },
        ...{ startDeadline: 36 * 3_600_000, whenBusy: 'skip', retries: 0 },
      },
      runDeadline: 90 * 60_000,
    });
  });

  const good: readonly (readonly [Record<string, unknown>, Record<string, unknown>])[] = [
    [{ components: ' mlmd , kfp-db ,' }, { components: ['kfp-db', 'mlmd'] }],
    [{ path: ' //a/b.c/ ' }, { path: 'a/b.c' }],
    [{ path: '/' }, { path: undefined }],
    [{ 'source-buckets': 'mlpipeline, mlflow' }, { sourceBuckets: ['mlpipeline', 'mlflow'] }],
    [{ 'metadata-writer-application': '' }, { metadataWriterApplication: '' }],
    [{ 'server-side-encryption': 'AES256' }, { serverSideEncryption: { algorithm: 'AES256' } }],
    [{ 'server-side-encryption': 'aws:kms' }, { serverSideEncryption: { algorithm: 'aws:kms' } }],
    [
      { 'server-side-encryption': 'aws:kms:arn:aws:kms:eu-west-2:1:key/2' },
      {
        serverSideEncryption: { algorithm: 'aws:kms', keyId: 'arn:aws:kms:eu-west-2:1:key/2' },
      },
    ],
    [
      {
        'database-locations':
          'kfp-db=https://s3.example.com:9000/own/a/b?region=eu-west-1, katib-db=http://s3/own',
      },
      {
        databaseLocations: {
          'kfp-db': {
            ...{ endpoint: 'https://s3.example.com:9000', bucket: 'own' },
            ...{ region: 'eu-west-1', path: 'a/b' },
          },
          'katib-db': { endpoint: 'http://s3', bucket: 'own' },
        },
      },
    ],
    [{ 'juju-credentials': 'secret:abc' }, { jujuCredentials: 'secret:abc' }],
    [{ 'juju-credentials': '' }, { jujuCredentials: undefined }],
  ];
  for (const [given, expected] of good)
    it(`take ${JSON.stringify(given)}`, () => {
      assert.partialDeepStrictEqual(parseConfig(given), expected);
    });

  const bad: readonly (readonly [string, unknown])[] = [
    ['components', ''],
    ['components', 'kfp-db,dex'],
    ['bucket', 'Capital'],
    ['path', 'a/../b'],
    ['path', 'a//b'],
    ['path', 'with space'],
    ['bandwidth-limit', 'fast'],
    ['transfers', 0],
    ['transfers', 257],
    ['transfers', '16'],
    ['source-buckets', ','],
    ['source-buckets', 'mlpipeline,sets'],
    ['source-buckets', 'history'],
    ['source-buckets', 'mlmd'],
    ['source-buckets', 'kfp-db-2'],
    ['source-buckets', 'katib-db'],
    ['source-buckets', 'lock.json'],
    ['mlmd-application', ''],
    ['mlmd-application', 'Mlmd'],
    ['metadata-writer-application', 'a b'],
    ['database-units', 0],
    ['database-units', 10],
    ['database-locations', 'https://s3.example.com/own'],
    ['database-locations', 'dex=https://s3.example.com/own'],
    ['database-locations', 'kfp-db=https://s3.example.com'],
    ['database-locations', 'kfp-db=s3://own/path'],
    ['database-locations', 'kfp-db=https://s3.example.com/own/a b'],
    ['database-locations', 'kfp-db=https://s3/own,kfp-db=https://s3/other'],
    ['server-side-encryption', 'aws:kms:'],
    ['server-side-encryption', 'AES128'],
    ['keep-last', -1],
    ['keep-monthly', 1.5],
    ['source-buckets', 'runs'],
    ['schedule-start-deadline', '6'],
    ['schedule-start-deadline', '0h'],
    ['schedule-when-busy', 'never'],
    ['schedule-retries', 11],
    ['run-deadline', '1h30'],
  ];
  for (const [name, value] of bad)
    it(`refuse ${name}=${JSON.stringify(value)}, naming both and what is allowed`, () => {
      assert.throws(
        () => parseConfig({ [name]: value }, 'backups'),
        (error) =>
          error instanceof CharmError &&
          error.code === 'option-invalid' &&
          error.message.startsWith(
            `The option ${name} is ${JSON.stringify(value)}, but must be `,
          ) &&
          error.message.endsWith(` Run: juju config backups ${name}=<value>`),
      );
    });

  it('do not repeat what stands where the URI of a secret belongs', () => {
    assert.throws(
      () => parseConfig({ 'juju-credentials': 'hunter2' }),
      (error) => error instanceof CharmError && !error.message.includes('hunter2'),
    );
  });

  it('are parsed or refused, whatever they are', () => {
    const value = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(declared)), value), (given) => {
        try {
          parseConfig(given);
        } catch (error) {
          assert.ok(error instanceof CharmError && error.code === 'option-invalid', String(error));
        }
      }),
    );
  });
});

describe('bandwidth-limit', () => {
  const day = 24 * 60;
  const constant = (bytesPerSecond: number | undefined) => [{ minute: 0, bytesPerSecond }];
  // The examples of rclone's manual, and each form of its parsers.
  const table: readonly (readonly [string, unknown])[] = [
    ['off', constant(undefined)],
    ['OFF', constant(undefined)],
    ['0', constant(undefined)],
    ['10M', constant(10 * 2 ** 20)],
    ['10m', constant(10 * 2 ** 20)],
    ['512', constant(512 * 2 ** 10)],
    ['512k', constant(512 * 2 ** 10)],
    ['100B', constant(100)],
    ['100b', constant(100)],
    // A pair, and not a time.
    ['08:00', constant(8 * 2 ** 10)],
    ['1.5M', constant(1.5 * 2 ** 20)],
    ['.5G', constant(2 ** 29)],
    ['1Ki', constant(2 ** 10)],
    ['1MiB', constant(2 ** 20)],
    ['1T', constant(2 ** 40)],
    ['10M:100k', constant(100 * 2 ** 10)],
    ['10M:off', constant(10 * 2 ** 20)],
    ['off:100k', constant(100 * 2 ** 10)],
    ['off:off', constant(undefined)],
    [
      'Mon-00:00,512 Fri-23:59,10M Sat-10:00,1M Sun-20:00,off',
      [
        { minute: 20 * 60, bytesPerSecond: undefined },
        { minute: day, bytesPerSecond: 512 * 2 ** 10 },
        { minute: 5 * day + 23 * 60 + 59, bytesPerSecond: 10 * 2 ** 20 },
        { minute: 6 * day + 10 * 60, bytesPerSecond: 2 ** 20 },
      ],
    ],
    [
      'Mon-00:00,512;wednesday-12:00,1M:2M',
      [
        { minute: day, bytesPerSecond: 512 * 2 ** 10 },
        { minute: 3 * day + 12 * 60, bytesPerSecond: 2 ** 20 },
      ],
    ],
    [
      '08:00,512k',
      [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({
        minute: weekday * day + 8 * 60,
        bytesPerSecond: 512 * 2 ** 10,
      })),
    ],
    ['', undefined],
    ['fast', undefined],
    ['10MB', undefined],
    ['-1', undefined],
    ['1e3', undefined],
    ['1:2:3', undefined],
    ['8:00,1M', undefined],
    ['24:00,1M', undefined],
    ['08:60,1M', undefined],
    ['Someday-08:00,1M', undefined],
    ['08:00,1M,2M', undefined],
    ['08:00,', undefined],
    [',1M', undefined],
  ];
  for (const [text, periods] of table)
    it(`reads ${JSON.stringify(text)} as rclone does`, () => {
      assert.deepEqual(parseBandwidthLimit(text), periods);
    });

  for (const text of ['off', '20M', '1b', '08:00,512k 19:00,20M 23:00,off', 'Mon-23:59,7'])
    it(`is told to rclone as it was read: ${text}`, () => {
      const periods = parseBandwidthLimit(text) ?? [];
      assert.deepEqual(parseBandwidthLimit(limitText(periods)), periods);
      if (text === '20M') assert.equal(limitText(periods), `${20 * 2 ** 20}B`);
    });

  it('is divided among those who share it, and never becomes none', () => {
    const parts = (text: string, count: number) =>
      limitText(partOfLimit(parseBandwidthLimit(text) ?? [], count));
    assert.equal(parts('Mon-08:00,20M Sat-00:00,off', 4), 'mon-08:00,5242880B sat-00:00,off');
    assert.equal(parts('2b', 3), '1B');
    assert.equal(parts('off', 3), 'off');
    assert.equal(limitText([]), 'off');
  });

  it('gives a timetable for the whole week out of times for every day', () => {
    const periods = parseBandwidthLimit('08:00,512k 19:00,20M 23:00,off') ?? [];
    assert.equal(periods.length, 21);
    assert.deepEqual(
      periods.map(({ minute }) => minute),
      periods.map(({ minute }) => minute).toSorted((a, b) => a - b),
    );
  });
});
