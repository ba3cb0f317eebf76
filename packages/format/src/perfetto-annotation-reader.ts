/**
 * Turns Perfetto debug annotations into the text of a JSON object, whatever their generation: plain values, interned
 * strings, dictionaries and arrays, and the older nested and JSON values. Pointers become hex strings; numbers JSON does
 * not have (NaN, infinities) become strings.
 */
import { JsonOutput } from './json-output.ts';
import { Annotation, Nested, NestedType } from './perfetto-fields.ts';
import type { SequenceReader } from './perfetto-sequence-reader.ts';
import { BYTES, FIXED64, type ProtobufInput } from './protobuf-input.ts';
import type { StringTable } from './strings.ts';

const OPEN = 0x7b;
const CLOSE = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class AnnotationReader {
  readonly json: JsonOutput = new JsonOutput();
  readonly #input: ProtobufInput;
  readonly #strings: StringTable;
  readonly #maxDepth: number;
  readonly #skip: (reason: string) => void;
  #sequence!: SequenceReader;
  /** Interned texts as JSON, by string id. */
  readonly #quoted = new Map<number, Uint8Array>();

  constructor(input: ProtobufInput, strings: StringTable, maxDepth: number, skip: (reason: string) => void) {
    this.#input = input;
    this.#strings = strings;
    this.#maxDepth = maxDepth;
    this.#skip = skip;
  }

  /**
   * Composes the annotations whose messages (without tag and length) begin and end at the given places of the input;
   * the text then stands in `json`. The cursor is moved.
   */
  read(sequence: SequenceReader, starts: readonly number[], ends: readonly number[], count: number): void {
    this.#sequence = sequence;
    const { json } = this;
    json.clear();
    json.punctuation(OPEN);
    for (let i = 0; i < count; i++) {
      if (i > 0) json.punctuation(COMMA);
      this.#member(starts[i]!, ends[i]!, 1);
    }
    json.punctuation(CLOSE);
  }

  /** Writes `"name":value`. */
  #member(start: number, end: number, depth: number): void {
    this.#name(start, end);
    this.json.punctuation(COLON);
    this.#value(start, end, depth);
  }

  #name(start: number, end: number): void {
    const input = this.#input;
    this.#go(start, end);
    while (input.next()) {
      if (input.tag === Annotation.nameIid << 3) {
        this.#interned(this.#sequence.annotationNames.get(input.uint()) ?? 0);
        return;
      }
      if (input.tag === ((Annotation.name << 3) | BYTES)) {
        this.#text();
        return;
      }
      input.skip();
    }
    this.#interned(0);
  }

  #value(start: number, end: number, depth: number): void {
    const input = this.#input;
    this.#go(start, end);
    if (depth > this.#maxDepth) {
      this.#skip('annotation nested too deep');
      this.json.ascii('null');
      return;
    }
    while (input.next()) {
      const { tag } = input;
      if (tag === ((Annotation.dictEntries << 3) | BYTES)) {
        this.#repeated(tag, start, end, OPEN, CLOSE, (from, to) => this.#member(from, to, depth + 1));
        return;
      }
      if (tag === ((Annotation.arrayValues << 3) | BYTES)) {
        this.#repeated(tag, start, end, OPEN_ARRAY, CLOSE_ARRAY, (from, to) =>
          this.#value(from, to, depth + 1),
        );
        return;
      }
      if (tag === ((Annotation.nested << 3) | BYTES)) {
        const outer = input.enter();
        this.#nested(input.at, input.end, depth);
        input.end = outer;
        return;
      }
      if (this.#scalar(tag)) return;
    }
    this.json.ascii('null');
  }

  /** Writes the value if the tag is one of a plain value, else passes over it. */
  #scalar(tag: number): boolean {
    const input = this.#input;
    switch (tag) {
      case Annotation.bool << 3:
        this.json.ascii(input.uint() === 0 ? 'false' : 'true');
        return true;
      case Annotation.uint << 3:
        this.#number(input.uint());
        return true;
      case Annotation.int << 3:
        this.#number(input.int());
        return true;
      case (Annotation.double << 3) | FIXED64:
        this.#double(input.double());
        return true;
      case (Annotation.string << 3) | BYTES:
        this.#text();
        return true;
      case Annotation.stringIid << 3:
        this.#interned(this.#sequence.annotationStrings.get(input.uint()) ?? 0);
        return true;
      case Annotation.pointer << 3:
        input.uint();
        this.json.ascii(`"0x${input.big.toString(16)}"`);
        return true;
      case (Annotation.legacyJson << 3) | BYTES:
        this.#embedded();
        return true;
      default:
        input.skip();
        return false;
    }
  }

  /** Writes all fields `tag` of the message start..end between brackets. */
  #repeated(
    tag: number,
    start: number,
    end: number,
    open: number,
    close: number,
    write: (from: number, to: number) => void,
  ): void {
    const input = this.#input;
    this.json.punctuation(open);
    this.#go(start, end);
    let isFirst = true;
    while (input.next()) {
      if (input.tag !== tag) {
        input.skip();
        continue;
      }
      input.enter();
      const from = input.at;
      const to = input.end;
      if (input.isDamaged) break;
      if (!isFirst) this.json.punctuation(COMMA);
      isFirst = false;
      write(from, to);
      this.#go(to, end);
    }
    this.json.punctuation(close);
  }

  /** Writes a `NestedValue`. */
  #nested(start: number, end: number, depth: number): void {
    const input = this.#input;
    if (depth > this.#maxDepth) {
      this.#skip('annotation nested too deep');
      this.json.ascii('null');
      return;
    }
    this.#go(start, end);
    while (input.next()) {
      if (input.tag === Nested.type << 3) {
        const type = input.uint();
        if (type === NestedType.dict) this.#nestedDictionary(start, end, depth);
        else if (type === NestedType.array) this.#nestedArray(start, end, depth);
        else continue;
        return;
      }
      if (this.#nestedScalar()) return;
    }
    this.json.ascii('null');
  }

  /** Writes the value if the field is one of a plain value, else passes over it. */
  #nestedScalar(): boolean {
    const input = this.#input;
    switch (input.tag) {
      case Nested.int << 3:
        this.#number(input.int());
        return true;
      case (Nested.double << 3) | FIXED64:
        this.#double(input.double());
        return true;
      case Nested.bool << 3:
        this.json.ascii(input.uint() === 0 ? 'false' : 'true');
        return true;
      case (Nested.string << 3) | BYTES:
        this.#text();
        return true;
      default:
        input.skip();
        return false;
    }
  }

  #nestedArray(start: number, end: number, depth: number): void {
    const tag = (Nested.arrayValues << 3) | BYTES;
    this.#repeated(tag, start, end, OPEN_ARRAY, CLOSE_ARRAY, (from, to) => this.#nested(from, to, depth + 1));
  }

  /** Keys and values stand in two lists, in the same order. */
  #nestedDictionary(start: number, end: number, depth: number): void {
    const input = this.#input;
    const keys: [number, number][] = [];
    this.#go(start, end);
    while (input.next()) {
      if (input.tag !== ((Nested.dictKeys << 3) | BYTES)) {
        input.skip();
        continue;
      }
      const outer = input.enter();
      keys.push([input.at, input.end]);
      input.leave(outer);
    }
    let index = 0;
    const tag = (Nested.dictValues << 3) | BYTES;
    this.#repeated(tag, start, end, OPEN, CLOSE, (from, to) => {
      const [keyStart, keyEnd] = keys[index++] ?? [0, 0];
      this.json.quoted(input.bytes, keyStart, keyEnd);
      this.json.punctuation(COLON);
      this.#nested(from, to, depth + 1);
    });
  }

  #go(start: number, end: number): void {
    this.#input.at = start;
    this.#input.end = end;
  }

  #text(): void {
    const input = this.#input;
    const outer = input.enter();
    this.json.quoted(input.bytes, input.at, input.isDamaged ? input.at : input.end);
    input.leave(outer);
  }

  #interned(id: number): void {
    let bytes = this.#quoted.get(id);
    if (bytes === undefined) {
      bytes = encoder.encode(JSON.stringify(this.#strings.text(id)));
      this.#quoted.set(id, bytes);
    }
    this.json.raw(bytes, 0, bytes.length);
  }

  #number(value: number): void {
    this.json.ascii(Number.isSafeInteger(value) ? String(value) : this.#exact(value));
  }

  /** The last number read, which a JS number cannot hold. */
  #exact(value: number): string {
    return String(value < 0 ? BigInt.asIntN(64, this.#input.big) : this.#input.big);
  }

  #double(value: number): void {
    if (Number.isFinite(value)) this.json.ascii(Object.is(value, -0) ? '-0' : String(value));
    else this.json.ascii(`"${value}"`);
  }

  /** JSON text as it is, or as a string if it is damaged. */
  #embedded(): void {
    const input = this.#input;
    const outer = input.enter();
    const end = input.isDamaged ? input.at : input.end;
    try {
      JSON.parse(decoder.decode(input.bytes.subarray(input.at, end)));
      this.json.raw(input.bytes, input.at, end);
    } catch {
      this.json.quoted(input.bytes, input.at, end);
    }
    input.leave(outer);
  }
}
