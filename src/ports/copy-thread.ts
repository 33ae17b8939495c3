/** One end of the way between two threads of this process. What is sent is copied. */
export interface ThreadPort {
  post(message: unknown): void;
  onMessage(handler: (message: unknown) => void): void;
}

/** Another thread, which copies objects between the same buckets on a core of its own. */
export interface CopyThread extends ThreadPort {
  /** `handler` is called once, when the thread does nothing any more, for whatever reason. */
  onEnd(handler: () => void): void;
  /** What it had begun breaks off. Resolves when it does nothing any more. */
  end(): Promise<void>;
}
