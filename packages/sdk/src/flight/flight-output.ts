/**
 * The flight recorder's side of the collector: the window, what watches for its triggers, and the files. Everything here runs in
 * the collector's thread, so that it goes on while the program's loops are blocked, and costs the program's threads nothing.
 */
import { writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { TraceWriter } from '@ttrace/format/writers';
import type { WindowOptions } from '../collector-protocol.ts';
import type { DrainedThread } from '../drained-thread.ts';
import { Stamp } from '../ring.ts';
import type { TraceOutput } from '../trace-output.ts';
import { type FlightFileResult, type Snapshot, writeFlightFile, writeTriggerFile } from './files.ts';
import { createTriggerWatch, type FiredTrigger, type TriggerWatch } from './trigger-watch.ts';
import { createFlightWindow, type FlightWindow } from './window.ts';

/** How much longer a thread must be silent than blocked: one that can say what it does is to be heard first. */
const ANSWER_MS = 100;

/** Two looks at a silent thread are so far apart: one that only had no processor has shown itself in between. */
const LOOK_EVERY_MS = 25;
/** So many, for this thread may have come late itself: counted in its own turns, whoever was asked has had its time. */
const LEAST_LOOKS = 1 + ANSWER_MS / LOOK_EVERY_MS;

interface Silence {
  readonly since: number;
  looks: number;
}

export class FlightOutput {
  /** Where events go. */
  readonly writer: TraceWriter;
  readonly #window: FlightWindow;
  readonly #watch: TriggerWatch;
  readonly #options: WindowOptions;
  readonly #origin: bigint;
  readonly #describe: () => string;
  readonly #fired: FiredTrigger[] = [];
  readonly #silences = new WeakMap<DrainedThread, Silence>();
  #nextLook = 0;
  readonly #silentNanos: number;

  /**
   * @param origin nanoseconds of `process.hrtime` that are time 0 of the recording.
   * @param describe says the facts about the recording, as they are now.
   */
  constructor(options: WindowOptions, origin: bigint, describe: () => string) {
    this.#options = options;
    this.#origin = origin;
    this.#describe = describe;
    this.#window = createFlightWindow(options);
    this.#watch = createTriggerWatch(this.#window, options.triggers, options.throttleMs, (fired) =>
      this.#fired.push(fired),
    );
    this.writer = options.triggers.length === 0 ? this.#window : this.#watch;
    const limits = options.triggers.map((trigger) => (trigger.on === 'block' ? trigger.overMs : Infinity));
    this.#silentNanos = (Math.min(...limits) + ANSWER_MS) * 1e6;
  }

  /**
   * After a round: looks for what lasts too long, and writes the file of what came true.
   * @param time nanoseconds since the origin.
   */
  afterRound(time: number, threads: readonly DrainedThread[]): FlightFileResult | undefined {
    if (this.#options.triggers.length === 0) return undefined;
    this.#watch.look(time);
    if (this.#silentNanos !== Infinity) this.#lookAtSilent(time, threads);
    return this.#writeFired();
  }

  signal(time: number, signal: NodeJS.Signals): void {
    this.#watch.signal(time, signal);
  }

  write(file: string, output: TraceOutput): FlightFileResult {
    return writeFlightFile(this.#snapshot(), file, output);
  }

  #writeFired(): FlightFileResult | undefined {
    const [first, ...others] = this.#fired.splice(0);
    if (first === undefined) return undefined;
    const result = writeTriggerFile(this.#snapshot(), [first, ...others], {
      ...this.#options,
      now: Date.now(),
    });
    if (this.#options.isLoud) announce(result, first);
    return result;
  }

  #snapshot(): Snapshot {
    return { window: this.#window, origin: this.#origin, recording: this.#describe() };
  }

  /** Blocked in a native call, where nobody can be asked for a stack: only the missing signs of life tell. */
  #lookAtSilent(time: number, threads: readonly DrainedThread[]): void {
    const now = performance.now();
    if (now < this.#nextLook) return;
    this.#nextLook = now + LOOK_EVERY_MS;
    for (const thread of threads) {
      const alive = thread.block.stamps[Stamp.alive]!;
      if (alive === 0) continue;
      const since = Math.max(Math.round(alive * 1e6) + thread.offset, thread.waitedAt);
      const looks = this.#looks(thread, since);
      if (looks >= LEAST_LOOKS && time - since > this.#silentNanos) {
        this.#watch.silent(thread.name, since, time);
      }
    }
  }

  /** How often it has been looked at since it showed itself last, this time included. */
  #looks(thread: DrainedThread, since: number): number {
    let silence = this.#silences.get(thread);
    if (silence?.since !== since) {
      silence = { since, looks: 0 };
      this.#silences.set(thread, silence);
    }
    return ++silence.looks;
  }
}

function announce({ file, error }: FlightFileResult, { trigger, what, durationNanos }: FiredTrigger): void {
  const duration = durationNanos > 0 ? `, ${Math.round(durationNanos / 1e6)} ms` : '';
  const text = error === undefined ? `wrote ${file}` : `could not write ${file}: ${error}`;
  try {
    writeSync(2, `ttrace: flight recorder (${trigger}: ${what}${duration}) ${text}\n`);
  } catch {
    // No stderr left.
  }
}
