import { createCipheriv, createHash } from 'node:crypto';
import type { S3NewObject } from '../servers/s3/contents.ts';
import type { S3Server } from '../servers/s3/server.ts';

/**
 * Fills a bucket as Kubeflow Pipelines does: what was uploaded below `pipelines/`, the logs and v1
 * artifacts that Argo archives below `artifacts/`, and the outputs of v2 runs below
 * `v2/artifacts/`; 2,100 objects of about 150 MiB in all, which are the same for the same seed.
 * Among them are keys with unicode, spaces, `+` and `%`, empty objects, one of 100 MiB, one of 28
 * MiB that was stored in parts of 8 MiB, and some with content types, user metadata and tags. Kept
 * off: keys that MinIO refuses, and tags that it cannot read again (&).
 */
export const seedBucket = (
  server: S3Server,
  bucket: string,
  { seed, largeBytes = 100 * mebibyte }: { readonly seed: number; readonly largeBytes?: number },
): { readonly objects: number; readonly bytes: number } => {
  const chance = random(seed);
  const objects = [
    ...pipelines(chance),
    ...argoArtifacts(chance),
    ...runOutputs(chance),
    ...oddities(chance),
    ...large(seed, largeBytes),
  ];
  server.contents.put(bucket, ...objects);
  const stored = server.contents.objects(bucket);
  return { objects: stored.length, bytes: stored.reduce((sum, { size }) => sum + size, 0) };
};

const mebibyte = 2 ** 20;

/** From 0 up to 1; mulberry32's idea in the words of a hash, which is as fast as this needs. */
type Chance = () => number;

const random = (seed: number): Chance => {
  let count = 0;
  return () => {
    count += 1;
    const digest = createHash('md5').update(`${seed} ${count}`).digest();
    return digest.readUInt32BE() / 2 ** 32;
  };
};

const id = (chance: Chance): string => {
  const hex = createHash('md5').update(String(chance())).digest('hex');
  return [8, 13, 18, 23].reduce((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, hex);
};

/** Readable text of roughly this many bytes, so that a diff of two copies tells something. */
const text = (chance: Chance, bytes: number): string => {
  const line = `${id(chance)} step finished in ${Math.floor(chance() * 900)} s\n`;
  return line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes);
};

const pipelines = (chance: Chance): S3NewObject[] =>
  Array.from({ length: 60 }, () => ({
    key: `pipelines/${id(chance)}`,
    content: `# PIPELINE DEFINITION\n${text(chance, 2000 + chance() * 8000)}`,
    contentType: 'text/plain',
  }));

const argoArtifacts = (chance: Chance): S3NewObject[] =>
  Array.from({ length: 1000 }, (_, index) => {
    const workflow = `taxi-${id(chance).slice(0, 5)}`;
    const date = `2026/${String((index % 12) + 1).padStart(2, '0')}/${String((index % 28) + 1).padStart(2, '0')}`;
    const name = index % 4 === 0 ? 'mlpipeline-ui-metadata.tgz' : 'main.log';
    return {
      key: `artifacts/${workflow}/${date}/${workflow}-${Math.floor(chance() * 1e9)}/${name}`,
      content: text(chance, 200 + chance() * 4000),
      contentType: name.endsWith('tgz') ? 'application/gzip' : 'text/plain',
    };
  });

const runOutputs = (chance: Chance): S3NewObject[] =>
  Array.from({ length: 200 }).flatMap(() => {
    const run = `v2/artifacts/taxi-training/${id(chance)}`;
    return [
      { key: `${run}/preprocess/${id(chance)}/executor-logs`, content: text(chance, 1500) },
      { key: `${run}/preprocess/${id(chance)}/dataset`, content: text(chance, chance() * 60_000) },
      {
        key: `${run}/train/${id(chance)}/model`,
        content: text(chance, (chance() ** 4 * mebibyte) / 2),
        headers: { 'x-amz-meta-framework': 'sklearn', 'x-amz-meta-note': 'Modell für Süd' },
        tags: { stage: 'candidate', team: 'Zürich + Genève' },
      },
      {
        key: `${run}/train/${id(chance)}/metrics`,
        content: text(chance, 300),
        contentType: 'application/json',
      },
      {
        key: `${run}/evaluate/${id(chance)}/html`,
        content: text(chance, 900),
        contentType: 'text/html; charset=utf-8',
      },
    ];
  });

const oddities = (chance: Chance): S3NewObject[] => [
  ...['größe', '数据', 'données été', 'смысл', '🦊 fox', '\uffee', 'e\u0301 is not é'].map(
    (name) => ({
      key: `v2/artifacts/${name}/output`,
      content: text(chance, 700),
    }),
  ),
  ...[
    'a b',
    'a+b',
    'a%20b',
    'a%b',
    '100%',
    "it's (1)*!",
    'a&b=c?d#e',
    '<xml>"',
    'back\\slash',
    'a,b;c:d@e',
    '~$[]{}|^`',
  ].map((name) => ({ key: `artifacts/odd names/${name}`, content: text(chance, 500) })),
  ...Array.from({ length: 20 }, (_, index) => ({
    key: `v2/artifacts/empty/${index}/success`,
    content: '',
  })),
  {
    key: 'artifacts/compressed/report.html',
    content: text(chance, 3000),
    contentType: 'text/html',
    headers: {
      'content-encoding': 'gzip',
      'cache-control': 'no-store',
      'content-disposition': 'attachment; filename="report.html"',
      'content-language': 'de',
    },
  },
];

const large = (seed: number, bytes: number): S3NewObject[] => [
  {
    key: 'v2/artifacts/taxi-training/large/model.bin',
    content: noise(seed, bytes),
    contentType: 'application/octet-stream',
    headers: { 'x-amz-meta-epochs': '30' },
  },
  {
    key: 'v2/artifacts/taxi-training/in-parts/checkpoint.bin',
    content: noise(seed + 1, Math.ceil(bytes * 0.28)),
    partSize: Math.max(Math.ceil((bytes * 0.08) / mebibyte), 5) * mebibyte,
  },
];

/** Bytes that do not compress, made as they are needed. */
function* noise(seed: number, bytes: number): Generator<Uint8Array> {
  const key = createHash('md5').update(String(seed)).digest();
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(mebibyte);
  for (let left = bytes; left > 0; left -= mebibyte)
    yield cipher.update(zeros.subarray(0, Math.min(left, mebibyte)));
}
