import { countText, durationText, sizeText } from '../../text.ts';
import type { Clock } from '../../world.ts';

/** Where a pass over a bucket is. Sizes are bytes. */
interface BucketProgress {
  /** Objects that are in the mirror by now, whether they had to be copied or not. */
  readonly objectsDone: number;
  readonly bytesDone: number;
  /** Undefined until the whole source has been listed. */
  readonly objectsTotal: number | undefined;
  readonly bytesTotal: number | undefined;
  readonly copied: number;
  /** Bytes a second, over the last half minute. */
  readonly rate: number;
  readonly secondsLeft: number | undefined;
  /** The transfers that have been under way longest. */
  readonly slowest: readonly SlowTransfer[];
}

interface SlowTransfer {
  readonly key: string;
  readonly size: number;
  readonly moved: number;
  readonly seconds: number;
}

interface TransferProgress {
  readonly moved: (bytes: number) => void;
  end(outcome: 'copied' | 'vanished' | 'failed'): void;
}

interface InFlight {
  readonly key: string;
  readonly size: number;
  readonly since: number;
  moved: number;
}

/** The passes report to it, and the progress is read from it. */
export class ProgressOfBucket {
  readonly #clock: Clock;
  readonly #inFlight = new Set<InFlight>();
  readonly #seconds = new Map<number, { bytes: number; objects: number }>();
  #listed = { objects: 0, bytes: 0, complete: false };
  #done = { objects: 0, bytes: 0 };
  #copied = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  list(size: number): void {
    this.#listed.objects += 1;
    this.#listed.bytes += size;
  }

  listingEnded(): void {
    this.#listed.complete = true;
  }

  /** An object that is in the mirror as it is. */
  pass(size: number): void {
    this.#done.objects += 1;
    this.#done.bytes += size;
  }

  /** A copy begins. The result is to be told of the bytes that move, and how the copy ended. */
  begin(key: string, size: number): TransferProgress {
    const transfer: InFlight = { key, size, since: this.#now(), moved: 0 };
    this.#inFlight.add(transfer);
    return {
      moved: (bytes) => {
        transfer.moved += bytes;
        this.#done.bytes += bytes;
        this.#second().bytes += bytes;
      },
      end: (outcome) => {
        this.#inFlight.delete(transfer);
        if (outcome === 'failed') return;
        if (outcome === 'copied') this.#copied += 1;
        this.#done.objects += 1;
        this.#second().objects += 1;
      },
    };
  }

  snapshot(): BucketProgress {
    const { objects, bytes, complete } = this.#listed;
    const now = this.#now();
    const slowest = [...this.#inFlight]
      .sort((a, b) => a.since - b.since)
      .slice(0, 3)
      .map(({ key, size, moved, since }) => ({ key, size, moved, seconds: (now - since) / 1000 }));
    const rates = this.#rates();
    return {
      objectsDone: this.#done.objects,
      bytesDone: this.#done.bytes,
      objectsTotal: complete ? objects : undefined,
      bytesTotal: complete ? bytes : undefined,
      copied: this.#copied,
      rate: rates.bytes,
      secondsLeft: complete
        ? Math.max(
            timeFor(objects - this.#done.objects, rates.objects),
            timeFor(bytes - this.#done.bytes, rates.bytes),
          )
        : undefined,
      slowest,
    };
  }

  #now(): number {
    return this.#clock.now().getTime();
  }

  #second(): { bytes: number; objects: number } {
    const second = Math.floor(this.#now() / 1000);
    const found = this.#seconds.get(second);
    if (found) return found;
    const fresh = { bytes: 0, objects: 0 };
    this.#seconds.set(second, fresh);
    for (const old of this.#seconds.keys()) if (old < second - 30) this.#seconds.delete(old);
    return fresh;
  }

  #rates(): { readonly bytes: number; readonly objects: number } {
    this.#second();
    const [first] = this.#seconds.keys();
    const span = Math.max(1, this.#now() / 1000 - (first ?? 0));
    let bytes = 0;
    let objects = 0;
    for (const second of this.#seconds.values()) {
      bytes += second.bytes;
      objects += second.objects;
    }
    return { bytes: Math.max(0, bytes / span), objects: objects / span };
  }
}

/**
 * `1200 of 20000 objects, 1.5 GiB of 20 GiB, 18 MiB/s, 17m20s left, longest: a/b (45 MiB of 2.0 GiB
 * for 40s)`.
 */
export const progressText = (progress: BucketProgress): string => {
  const { objectsDone, objectsTotal, bytesDone, bytesTotal, rate, secondsLeft, slowest } = progress;
  const [longest] = slowest.filter(({ seconds }) => seconds >= 10);
  return [
    objectsTotal === undefined
      ? countText(objectsDone, 'object')
      : `${objectsDone} of ${countText(objectsTotal, 'object')}`,
    bytesTotal === undefined
      ? sizeText(bytesDone)
      : `${sizeText(bytesDone)} of ${sizeText(bytesTotal)}`,
    `${sizeText(rate)}/s`,
    ...(secondsLeft !== undefined && Number.isFinite(secondsLeft)
      ? [`${durationText(secondsLeft)} left`]
      : []),
    ...(longest
      ? [
          `longest: ${longest.key} (${sizeText(longest.moved)} of ${sizeText(longest.size)} for ${durationText(longest.seconds)})`,
        ]
      : []),
  ].join(', ');
};

const timeFor = (amount: number, rate: number): number => (amount <= 0 ? 0 : amount / rate);
