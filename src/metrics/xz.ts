import { crc32 } from 'node:zlib';

/** LZMA2 takes this many bytes in one chunk, and the dictionary need not be larger. */
const chunkSize = 65_536;

/**
 * An .xz file of these bytes, which stand in it as they are: the format allows chunks that are not
 * compressed (https://tukaani.org/xz/xz-file-format.txt, 1.2). Grafana's charm reads dashboards in
 * this form only, and Node writes none.
 */
export const xzOf = (bytes: Buffer): Buffer => {
  const flags = Buffer.from([0x00, 0x01]); // the check is a CRC32
  const blockHeader = withChecksum(
    // Its size in words less one, one filter, LZMA2 with one property, a dictionary of 64 KiB.
    Buffer.from([0x02, 0x00, 0x21, 0x01, 0x08, 0x00, 0x00, 0x00]),
  );
  const data = Buffer.concat([...chunks(bytes), Buffer.from([0x00])]);
  const unpadded = blockHeader.length + data.length + 4;
  const index = withChecksum(
    padded(Buffer.from([0x00, ...integer(1), ...integer(unpadded), ...integer(bytes.length)])),
  );
  const backward = Buffer.concat([word(index.length / 4 - 1), flags]);
  return Buffer.concat([
    ...[Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), withChecksum(flags)],
    ...[blockHeader, padded(data), word(crc32(bytes)), index],
    ...[word(crc32(backward)), backward, Buffer.from('YZ')],
  ]);
};

/** The first one resets the dictionary. */
const chunks = (bytes: Buffer): readonly Buffer[] => {
  const pieces: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += chunkSize) {
    const piece = bytes.subarray(start, start + chunkSize);
    const header = Buffer.from([start === 0 ? 0x01 : 0x02, 0, 0]);
    header.writeUInt16BE(piece.length - 1, 1);
    pieces.push(header, piece);
  }
  return pieces;
};

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

const withChecksum = (bytes: Buffer): Buffer => Buffer.concat([bytes, word(crc32(bytes))]);

/** To a multiple of four. */
const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

/** Seven bits a byte, the lowest first; all but the last have the eighth bit. */
const integer = (value: number): readonly number[] => {
  const bytes: number[] = [];
  let left = value;
  while (left >= 0x80) {
    bytes.push((left % 0x80) + 0x80);
    left = Math.floor(left / 0x80);
  }
  return [...bytes, left];
};
