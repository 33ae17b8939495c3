import type { Progress } from '../../src/world.ts';

/** Remembers what was said. Everything fails while `failure` is set. */
export class FakeProgress implements Progress {
  readonly steps: string[] = [];
  readonly notes: string[] = [];
  failure: Error | undefined;

  async step(message: string): Promise<void> {
    if (this.failure) throw this.failure;
    this.steps.push(message);
  }

  async note(message: string): Promise<void> {
    if (this.failure) throw this.failure;
    this.notes.push(message);
  }
}
