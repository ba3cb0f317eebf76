/**
 * How the flight window lays out a row: a byte that says what it is and what it carries, then numbers of seven bits a byte.
 *
 *     head, time since the row before, [duration], track, [name and category], [task], [arguments], [flows]
 *
 * A region takes 8 to 12 bytes. A row's time is that of its end, for rows come when things end. Tracks of single operations
 * are numbered as they are declared and named by how many were declared since: small numbers also after days.
 */
import type { Flow } from '@ttrace/format/writers';

/** What a row is: the low three bits of its first byte. */
export const RowKind = {
  slice: 0,
  begin: 1,
  end: 2,
  instant: 3,
  counter: 4,
  /** How many events a thread had no room for. */
  dropped: 5,
  /**
   * An async track: pid, label, id and, if the window does not know its name as a string, a line feed and the name. Its number is
   * one more than that of the one before.
   */
  declare: 6,
  /** Nothing more comes for a track. */
  release: 7,
} as const;

/** The other bits of the first byte. */
export const RowFlag = {
  /** The track is an async one. */
  async: 8,
  /** A task follows; of a counter: the value is a number of eight bytes, not a whole one. */
  task: 16,
  float: 16,
  args: 32,
  flows: 64,
  /** The time lies before that of the row before. */
  backward: 128,
} as const;

/** Bytes of a row without arguments and flows, at most: head, five numbers of eight bytes. */
export const PLAIN_ROOM = 44;
/** Bytes of a flow, at most. */
export const FLOW_ROOM = 9;

const DIRECTIONS = ['out', 'step', 'in'] as const;

const scratch = new Float64Array(1);
const scratchBytes = new Uint8Array(scratch.buffer);

/** Writes a safe integer >= 0 and returns the position behind it. */
export function writeNumber(bytes: Uint8Array, from: number, value: number): number {
  // hot: four times a row.
  if (value < 0x80) {
    bytes[from] = value;
    return from + 1;
  }
  if (value < 0x4000) {
    bytes[from] = (value & 0x7f) | 0x80;
    bytes[from + 1] = value >>> 7;
    return from + 2;
  }
  return writeLongNumber(bytes, from, value);
}

function writeLongNumber(bytes: Uint8Array, from: number, value: number): number {
  let at = from;
  // What is no safe integer is 0: a row must not be longer than its room.
  let rest = value <= Number.MAX_SAFE_INTEGER ? value : 0;
  while (rest >= 0x1000_0000) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at] = rest;
  return at + 1;
}

export function writeFloat(bytes: Uint8Array, from: number, value: number): number {
  scratch[0] = value;
  bytes.set(scratchBytes, from);
  return from + 8;
}

export function writeFlows(bytes: Uint8Array, from: number, flows: readonly Flow[]): number {
  let at = writeNumber(bytes, from, flows.length);
  for (const { id, direction } of flows) {
    bytes[at] = DIRECTIONS.indexOf(direction);
    at = writeNumber(bytes, at + 1, id);
  }
  return at;
}

/** How many bytes a text takes in UTF-8. */
export function textBytes(text: string): number {
  if (text.length > 256) return Buffer.byteLength(text);
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return Buffer.byteLength(text);
  return text.length;
}

/** Writes a text of so many bytes; returns the position behind it. */
export function writeText(bytes: Uint8Array, from: number, text: string, length: number): number {
  if (length > 64 || length !== text.length) {
    Buffer.from(bytes.buffer, from, length).write(text);
    return from + length;
  }
  // Short ASCII: cheaper than any call.
  for (let i = 0; i < length; i++) bytes[from + i] = text.charCodeAt(i);
  return from + length;
}

/** Reads rows one after another: always the same object, which is the last row that was read. */
export class RowReader {
  bytes: Uint8Array;
  /** Where the next row begins. */
  at: number;
  /** Where rows go on at 0, -1 if nowhere. */
  wrap: number;
  /** Of the last row; a declaration or release has that of the row before. */
  time = 0;
  /** Async tracks that were declared up to the last row. */
  asyncCount = 0;
  kind: number = RowKind.slice;
  isAsync = false;
  /** Number of the track: of an async one counted from 1, else the window's own. */
  track = 0;
  duration = 0;
  label = 0;
  task = 0;
  /** Of a counter, or how many were dropped. */
  value = 0;
  /** Of a declaration. */
  pid = 0;
  /** Where the arguments, or the id of a declaration, lie. */
  #textFrom = 0;
  #textTo = 0;
  #flowCount = 0;
  #flowsFrom = 0;

  constructor(bytes: Uint8Array, at: number, wrap: number) {
    this.bytes = bytes;
    this.at = at;
    this.wrap = wrap;
  }

  /** Another reader that reads what this one would read next. */
  copy(): RowReader {
    const copy = new RowReader(this.bytes, this.at, this.wrap);
    copy.time = this.time;
    copy.asyncCount = this.asyncCount;
    return copy;
  }

  /** Time of the row that comes next. */
  nextTime(): number {
    const from = this.at;
    const head = this.bytes[from]!;
    if ((head & 7) >= RowKind.declare) return this.time;
    this.at++;
    const delta = this.#number();
    this.at = from;
    return (head & RowFlag.backward) === 0 ? this.time + delta : this.time - delta;
  }

  /** Reads the next row; there must be one. */
  next(): void {
    this.#read();
    if (this.at === this.wrap) {
      this.at = 0;
      this.wrap = -1;
    }
  }

  #read(): void {
    // hot: once a row that leaves the window.
    const head = this.bytes[this.at++]!;
    const kind = head & 7;
    this.kind = kind;
    this.isAsync = (head & RowFlag.async) !== 0;
    this.#textFrom = this.#textTo;
    this.#flowCount = 0;
    if (kind >= RowKind.declare) {
      this.#readDeclaration(kind);
      return;
    }
    const delta = this.#number();
    this.time = (head & RowFlag.backward) === 0 ? this.time + delta : this.time - delta;
    if (kind === RowKind.slice) this.duration = this.#number();
    this.track = this.#number();
    if (this.isAsync) this.track = this.asyncCount - this.track;
    if (kind === RowKind.counter || kind === RowKind.dropped) {
      this.value = (head & RowFlag.float) === 0 ? this.#number() : this.#float();
      return;
    }
    this.label = kind === RowKind.end ? 0 : this.#number();
    this.task = (head & RowFlag.task) === 0 ? 0 : this.#number();
    if ((head & RowFlag.args) !== 0) this.#readText();
    if ((head & RowFlag.flows) !== 0) this.#skipFlows();
  }

  /** Arguments of the last row, or id of the track that it declares; '' for none. */
  text(): string {
    if (this.#textFrom === this.#textTo) return '';
    const { buffer, byteOffset } = this.bytes;
    return Buffer.from(buffer, byteOffset + this.#textFrom, this.#textTo - this.#textFrom).toString();
  }

  flows(): readonly Flow[] | undefined {
    if (this.#flowCount === 0) return undefined;
    const { at } = this;
    this.at = this.#flowsFrom;
    const flows: Flow[] = [];
    for (let i = 0; i < this.#flowCount; i++) {
      const direction = DIRECTIONS[this.bytes[this.at++]!]!;
      flows.push({ id: this.#number(), direction });
    }
    this.at = at;
    return flows;
  }

  #readDeclaration(kind: number): void {
    if (kind === RowKind.release) {
      this.track = this.#number();
      if (this.isAsync) this.track = this.asyncCount - this.track;
      return;
    }
    this.track = ++this.asyncCount;
    this.pid = this.#number();
    this.label = this.#number();
    this.#readText();
  }

  #readText(): void {
    const length = this.#number();
    this.#textFrom = this.at;
    this.at += length;
    this.#textTo = this.at;
  }

  #skipFlows(): void {
    this.#flowCount = this.#number();
    this.#flowsFrom = this.at;
    for (let i = 0; i < this.#flowCount; i++) {
      this.at++;
      this.#number();
    }
  }

  #number(): number {
    const { bytes } = this;
    let byte = bytes[this.at++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let scale = 0x80; ; scale *= 0x80) {
      byte = bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  #float(): number {
    for (let i = 0; i < 8; i++) scratchBytes[i] = this.bytes[this.at++]!;
    return scratch[0]!;
  }
}
