/**
 * Ids of spans that have none: a hash of what identifies the recording, the track and the moment at which the span begins. The same
 * file gives the same ids whenever it is exported; so do, of a file that knows the wall clock, a part that `ttrace trim` made and the
 * same trace in another format.
 */
import { createHash } from 'node:crypto';
import { type Trace, timeRange } from '@ttrace/format';
import { Epoch } from './otlp-epoch.ts';
import { wallEpochOf } from './otlp-wall-clock.ts';

const digits = Buffer.alloc(16);

export class SpanIds {
  readonly #trace: Trace;
  readonly #origin: Epoch;
  readonly #seed: readonly [number, number];
  /** Two hashes a track, and whether they are made. */
  readonly #hashes: Int32Array;
  readonly #isHashed: Uint8Array;
  /** How many rows of its track that begin at the same moment stand before a row, where there are any. */
  readonly #ordinals: ReadonlyMap<number, number>;

  constructor(trace: Trace, ordinals: ReadonlyMap<number, number>) {
    this.#trace = trace;
    this.#origin = new Epoch(trace.origin);
    this.#ordinals = ordinals;
    this.#hashes = new Int32Array(trace.tracks.length * 2);
    this.#isHashed = new Uint8Array(trace.tracks.length);
    const digest = createHash('sha256').update(recordingOf(trace)).digest();
    this.#seed = [digest.readInt32LE(0), digest.readInt32LE(4)];
  }

  /** 16 digits, not all 0. */
  spanId(row: number): string {
    this.#write(row, 0x5bd1_e995, 0);
    return digits.toString('hex', 0, 8);
  }

  /** 32 digits, not all 0, of the trace whose root a row is. */
  traceId(row: number): string {
    this.#write(row, 0x27d4_eb2f, 0);
    this.#write(row, 0x1656_67b1, 8);
    return digits.toString('hex', 0, 16);
  }

  /** Writes eight bytes of a row's hash. */
  #write(row: number, salt: number, at: number): void {
    // hot: twice a span. Numbers stay within 32 bits with a sign: others are objects.
    const { track, start } = this.#trace.columns;
    const own = track[row]!;
    if (this.#isHashed[own] === 0) this.#hashTrack(own);
    this.#origin.add(start[row]!);
    const ordinal = this.#ordinals.size === 0 ? 0 : (this.#ordinals.get(row) ?? 0);
    let a = mix(this.#hashes[own * 2]! ^ this.#origin.low, salt);
    let b = mix(this.#hashes[own * 2 + 1]! ^ this.#origin.high, salt ^ ordinal);
    // Each half takes part in the other, so that no bit depends on one half of the time alone.
    a = mix(a ^ Math.imul(b, 0x85eb_ca6b), 0x9e37_79b9);
    b = mix(b ^ Math.imul(a, 0xc2b2_ae35), 0x7f4a_7c15 ^ ordinal);
    if (a === 0 && b === 0) b = 1;
    digits.writeInt32BE(a, at);
    digits.writeInt32BE(b, at + 4);
  }

  #hashTrack(at: number): void {
    const { kind, pid, tid, category, id, name } = this.#trace.tracks[at]!;
    const text = `${kind} ${pid} ${tid} ${category} ${kind === 'async' && id === '' ? name : id}`;
    let [a, b] = this.#seed;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      a = Math.imul(a ^ unit, 0x9e37_79b1);
      b = Math.imul(b ^ unit, 0x5f35_6495);
      a ^= b >>> 15;
    }
    this.#hashes[at * 2] = mix(a, b);
    this.#hashes[at * 2 + 1] = mix(b, a);
    this.#isHashed[at] = 1;
  }
}

/** What tells a recording from all others: how its clock stands to the wall clock, else what the file holds. */
function recordingOf(trace: Trace): string {
  const epoch = wallEpochOf(trace);
  if (epoch !== undefined) return String(epoch - trace.origin);
  const { start, end } = timeRange(trace);
  const processes = trace.processes.map(({ pid, name }) => `${pid} ${name}`);
  return [trace.origin, trace.length, start, end, ...processes].join('\n');
}

/** Spreads 32 bits; one to one for each salt. */
function mix(value: number, salt: number): number {
  let x = value ^ salt;
  x = Math.imul(x ^ (x >>> 16), 0x21f0_aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a_2d97);
  return x ^ (x >>> 15);
}
