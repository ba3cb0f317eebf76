/**
 * V8's `.cpuprofile`, as `node --cpu-prof`, the inspector and Chrome DevTools write it, pushed in chunks, into a TraceBuilder: one thread
 * with its samples.
 *
 * Such a file says neither process nor thread: the name that Node.js gives it does. Where it says no times either (no `timeDeltas`, or cut off
 * before them), samples are placed evenly, which `Trace.metadata` states as `cpuProfile.timesAreEstimated`.
 */
import { JsonMembers } from './json-members.ts';
import type { TraceBuilder } from './trace-builder.ts';
import { TraceFormatError } from './trace-format-error.ts';
import { DEFAULT_LIMITS, type ReadLimits, type TraceReader } from './trace-reader.ts';
import { addV8Profile } from './v8-profile.ts';
import { V8ProfileNodes } from './v8-profile-nodes.ts';

/** What V8 takes unless told otherwise. */
const DEFAULT_INTERVAL_MICROS = 1000;
/** Arrays of one entry a node or sample. */
const STREAMED: ReadonlySet<string> = new Set(['nodes', 'samples', 'timeDeltas', 'timestamps']);

export class CpuProfileReader implements TraceReader {
  bytesRead = 0;
  readonly #builder: TraceBuilder;
  readonly #limits: ReadLimits;
  readonly #members: JsonMembers;
  readonly #fileName: string;
  readonly #nodes = new V8ProfileNodes();
  readonly #samples: number[] = [];
  /** Microseconds since the sample before. */
  readonly #deltas: number[] = [];
  /** Microseconds, as profiles of before 2017 have them. */
  readonly #timestamps: number[] = [];
  readonly #numbers = new Map<string, number>();
  #isClosed = false;

  /** @param fileName says which process and thread, when it is as Node.js names such files; '' is none. */
  constructor(builder: TraceBuilder, limits: Partial<ReadLimits>, fileName: string) {
    this.#builder = builder;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#fileName = fileName;
    const handler = {
      isStreamed: (key: string) => STREAMED.has(key),
      element: (key: string, value: unknown) => this.#element(key, value),
      value: (key: string, value: unknown) => {
        if (typeof value === 'number') this.#numbers.set(key, value);
        else if (key === 'title') builder.metadata.set(key, JSON.stringify(value));
      },
    };
    this.#members = new JsonMembers(handler, this.#limits.maxEventBytes);
  }

  push(chunk: Uint8Array): TraceFormatError | undefined {
    this.bytesRead += chunk.length;
    const error = this.#members.push(chunk);
    return error === undefined ? undefined : this.#closeWith(error);
  }

  end(): TraceFormatError | undefined {
    const error = this.#members.end();
    if (error !== undefined) return this.#closeWith(error);
    this.#close();
    if (this.#samples.length > 0) return undefined;
    return new TraceFormatError(
      'unknown-format',
      'a CPU profile without samples, so nothing is known of when its functions ran',
      this.bytesRead,
    );
  }

  #element(key: string, value: unknown): void {
    if (key === 'nodes') {
      if (!this.#nodes.add(value)) this.#builder.skip('node of the profile that is none');
    } else if (typeof value !== 'number') this.#builder.skip(`entry of ${key} that is no number`);
    else if (key === 'samples') {
      if (this.#samples.length < this.#limits.maxEvents) this.#samples.push(value);
      else this.#builder.skip('sample past the limit');
    } else (key === 'timeDeltas' ? this.#deltas : this.#timestamps).push(value);
  }

  /** The error, with what it means for the samples before it. */
  #closeWith(error: TraceFormatError): TraceFormatError {
    this.#close();
    const isTimeless = this.#samples.length > 0 && this.#deltas.length === 0 && this.#timestamps.length === 0;
    if (!isTimeless) return error;
    const message = error.message.replace(/ \(at byte \d+\)$/, '');
    return new TraceFormatError(
      error.code,
      `${message}, before the times of its samples: they are placed evenly`,
      error.offset,
    );
  }

  /** Makes rows of what was read, whole or not. */
  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#samples.length === 0) return;
    const { pid, tid, name } = threadIn(this.#fileName);
    const builder = this.#builder;
    builder.tracks[builder.threadTrack(pid, tid)]!.name = name;
    const { micros, isEstimate } = this.#moments();
    const start = this.#numbers.get('startTime') ?? micros[0] ?? 0;
    builder.relative(Math.floor(Math.max(0, Math.min(start, micros[0] ?? start))), 0);
    const times = micros.map((each) => this.#relative(each));
    // The last sample counts until the profile ends; where that is not known, for nothing.
    const endTime = this.#numbers.get('endTime') ?? 0;
    const isWhole = times.length === this.#samples.length;
    const last = times.reduce((most, time) => Math.max(most, time), 0);
    const end = isWhole && !isEstimate ? Math.max(this.#relative(endTime), last) : last;
    const { frames, parents } = this.#nodes;
    const samples = isWhole ? this.#samples : this.#samples.slice(0, times.length);
    const counts = addV8Profile(builder, pid, tid, { frames, parents, samples, times, end });
    const fact = { ...counts, ...(isEstimate ? { timesAreEstimated: true } : {}) };
    builder.metadata.set('cpuProfile', JSON.stringify(fact));
  }

  #relative(micros: number): number {
    const whole = Math.floor(micros);
    return this.#builder.relative(whole, Math.round((micros - whole) * 1000));
  }

  /** When the samples were taken, in microseconds: as many as are known. */
  #moments(): { micros: number[]; isEstimate: boolean } {
    const start = this.#numbers.get('startTime') ?? 0;
    const count = this.#samples.length;
    if (this.#deltas.length > 0) {
      let at = start;
      return { micros: this.#deltas.slice(0, count).map((delta) => (at += delta)), isEstimate: false };
    }
    if (this.#timestamps.length > 0) return { micros: this.#timestamps.slice(0, count), isEstimate: false };
    const span = (this.#numbers.get('endTime') ?? start) - start;
    const interval = span > 0 ? span / Math.max(count, this.#nodes.hits) : DEFAULT_INTERVAL_MICROS;
    return { micros: this.#samples.map((_, at) => start + at * interval), isEstimate: true };
  }
}

/** Whose profile it is, from `CPU.20261126.145704.PID.THREAD.001.cpuprofile`. The tids are those that ttrace gives threads. */
function threadIn(fileName: string): { pid: number; tid: number; name: string } {
  const match = /(?:^|[/\\])CPU\.\d{8}\.\d{6}\.(\d+)\.(\d+)\.\d+\.cpuprofile/.exec(fileName);
  if (match === null) return { pid: 1, tid: 1, name: '' };
  const [pid, thread] = [Number(match[1]), Number(match[2])];
  return { pid, tid: pid + thread, name: thread === 0 ? 'main' : `worker ${thread}` };
}
