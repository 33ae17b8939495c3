/** `8.0.44-0ubuntu0.22.04.1` as numbers; undefined when the text is not a version. */
const parse = (version: string): readonly [number, number, number] | undefined => {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  return patch === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
};

/**
 * Whether MySQL of this version can take over the files of a backup. A physical backup is the data
 * directory itself: MySQL upgrades one of an earlier patch when it starts, but neither goes back to
 * an earlier version nor, with Percona XtraBackup, to another series (MySQL 8.0 Reference Manual, 3
 * Downgrading; Percona XtraBackup, Server version and backup version comparison). True when a
 * version is not known.
 */
export const canTakeOver = (running: string, backup: string): boolean => {
  const [now, then] = [parse(running), parse(backup)];
  if (now === undefined || then === undefined) return true;
  return now[0] === then[0] && now[1] === then[1] && now[2] >= then[2];
};
