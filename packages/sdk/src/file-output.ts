/** One trace file in the collector, from the moment at which it is opened: what goes into it, and what it contained. */
import type { TraceWriter } from '@ttrace/format/writers';
import type { FileReport } from './collector-protocol.ts';
import { createWriter } from './create-writer.ts';
import type { DrainCounts } from './drain.ts';
import { createTraceFile, type TraceFile } from './trace-file.ts';
import type { TraceOutput } from './trace-output.ts';

/**
 * Compressed files are brought up to date this often. Compressing anything at all takes 100 us after a sleep: done every round, it
 * was most of what the collector did for a program that records little.
 */
const COMPRESSED_FLUSH_MS = 50;

export class FileOutput {
  /** Where events go. */
  readonly writer: TraceWriter;
  readonly #file: TraceFile;
  readonly #isCompressed: boolean;
  readonly #before: DrainCounts;
  /** When bytes came last. */
  #lastFlush = performance.now();
  #hasGrown = false;

  /**
   * @param fd of an empty file.
   * @param before what had been recorded when it was opened.
   */
  constructor(fd: number, output: TraceOutput, origin: bigint, before: DrainCounts) {
    this.#file = createTraceFile(fd, output.isGzip);
    this.#isCompressed = output.isGzip || output.format === 'perfetto';
    this.#before = before;
    const sink = (bytes: Uint8Array): void => {
      this.#hasGrown = true;
      this.#file.write(bytes);
    };
    this.writer = createWriter(output, { sink, origin });
  }

  /** The first error of writing, if there was one. */
  get error(): Error | undefined {
    return this.#file.error;
  }

  /**
   * After each round: what a crash would lose otherwise.
   *
   * @returns whether the file has all of it now.
   */
  flush(): boolean {
    const now = this.#isCompressed ? performance.now() : 0;
    if (this.#isCompressed && now - this.#lastFlush <= COMPRESSED_FLUSH_MS) return false;
    this.writer.flush();
    this.#file.flush();
    if (this.#hasGrown) this.#lastFlush = now;
    this.#hasGrown = false;
    return true;
  }

  /** @param now what has been recorded by now. */
  close(now: DrainCounts): FileReport {
    this.writer.finish();
    this.#file.close();
    const before = this.#before;
    return {
      records: now.records - before.records,
      dropped: now.dropped - before.dropped,
      threads: now.threads - before.threads + before.liveThreads,
      error: this.#file.error?.message,
    };
  }
}
