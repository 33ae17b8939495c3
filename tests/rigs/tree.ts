import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';

/**
 * Everything below a directory that a restore has to bring back, a line for each: path, kind,
 * rights, owner and content. Names are bytes, shown as Latin-1. What `leftOut` says is not looked
 * at.
 */
export const tree = (directory: string, leftOut: (path: string) => boolean): readonly string[] => {
  const lines: string[] = [];
  const inodes = new Map<number, number>();
  const visit = (folder: Buffer, path: string): void => {
    const names = readdirSync(folder, { encoding: 'buffer' }).sort((one, other) =>
      Buffer.compare(one, other),
    );
    for (const name of names) {
      const shown = `${path}/${name.toString('latin1')}`;
      if (leftOut(shown)) continue;
      const whole = Buffer.concat([folder, Buffer.from('/'), name]);
      const { mode, uid, gid, size, mtimeMs, ino, nlink } = lstatSync(whole);
      const kind = mode & 0o170000;
      const hard = nlink > 1 && kind === 0o100000 ? (inodes.get(ino) ?? inodes.size) : '';
      if (hard !== '') inodes.set(ino, hard);
      const content =
        kind === 0o100000
          ? `${size} ${createHash('sha256').update(readFileSync(whole)).digest('hex')} ${Math.floor(mtimeMs)}`
          : kind === 0o120000
            ? readlinkSync(whole)
            : '';
      lines.push(`${shown} ${mode.toString(8)} ${uid}:${gid} ${content} ${hard}`);
      if (kind === 0o040000) visit(whole, shown);
    }
  };
  visit(Buffer.from(directory), '');
  return lines;
};
