import type { ManifestChapter } from '../repository/manifest.ts';
import { countText, durationText, tableText } from '../text.ts';
import type { Clock } from '../world.ts';

/** What an operation did and when, for the question why it takes so long. */
export interface Timeline {
  /** Runs `work` as a chapter. One that fails is kept too. */
  during<T>(chapter: string, waitedFor: string, work: () => Promise<T>): Promise<T>;
  /** The chapters that have ended, in the order in which they began. */
  chapters(): readonly ManifestChapter[];
}

export const startTimeline = (clock: Clock): Timeline => {
  const ended: ManifestChapter[] = [];
  return {
    during: async (chapter, waitedFor, work) => {
      const start = clock.now();
      try {
        return await work();
      } finally {
        const seconds = (clock.now().getTime() - start.getTime()) / 1000;
        ended.push({ chapter, began: start.toISOString(), seconds, waitedFor });
      }
    },
    chapters: () => ended.toSorted((one, other) => Date.parse(one.began) - Date.parse(other.began)),
  };
};

/** One line for each chapter: when it began after `start`, how long it took, who it waited for. */
export const timelineText = (chapters: readonly ManifestChapter[], start: Date): string =>
  [
    `Timeline, ${countText(chapters.length, 'chapter')}:`,
    tableText(
      chapters.map(({ chapter, began, seconds, waitedFor }) => [
        `+${durationText((Date.parse(began) - start.getTime()) / 1000)}`,
        durationText(seconds),
        chapter,
        `waits for ${waitedFor}`,
      ]),
    ),
  ].join('\n');
