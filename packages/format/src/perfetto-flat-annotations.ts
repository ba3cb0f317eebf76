/**
 * Writes the arguments that most events have, numbers and short texts side by side, as Perfetto debug annotations straight from
 * the text of their JSON: a third of the time of parsing it first. Whatever else there is, perfetto-annotations.ts writes, and
 * what both can write comes out the same.
 */
import { Annotation, Event } from './perfetto-fields.ts';
import type { SequenceWriter } from './perfetto-sequence-writer.ts';
import type { ProtobufOutput } from './protobuf-output.ts';

const [QUOTE, COMMA, DOT, ZERO, NINE] = [0x22, 0x2c, 0x2e, 0x30, 0x39] as const;
const [COLON, OPEN, BACKSLASH, CLOSE, SPACE] = [0x3a, 0x7b, 0x5c, 0x7d, 0x20] as const;
/** Members that are looked through for one of the same name. */
const MAX_MEMBERS = 16;
/** Digits that are an exact integer whatever they are. */
const MAX_DIGITS = 15;

/** Ids of the names in the text that is being written. */
const seen = new Int32Array(MAX_MEMBERS);

/** Writes all members into the open track event, or nothing and returns false. */
export function writeFlatAnnotations(out: ProtobufOutput, sequence: SequenceWriter, text: string): boolean {
  const start = out.at;
  if (writeMembers(out, sequence, text)) return true;
  out.at = start;
  return false;
}

function writeMembers(out: ProtobufOutput, sequence: SequenceWriter, text: string): boolean {
  if (text.charCodeAt(0) !== OPEN) return false;
  let at = 1;
  for (let count = 0; count < MAX_MEMBERS; count++) {
    const nameEnd = plainTextEnd(text, at);
    if (nameEnd < 0 || text.charCodeAt(nameEnd + 1) !== COLON) return false;
    // Members called by numbers come first, wherever they stand.
    if (isDigit(text.charCodeAt(at + 1))) return false;
    const iid = sequence.annotation(text.slice(at + 1, nameEnd));
    // Of members of one name the last one counts.
    if (iid === 0 || isSeen(iid, count)) return false;
    seen[count] = iid;
    const annotation = out.open(Event.debugAnnotations);
    out.uint(Annotation.nameIid, iid);
    at = writeValue(out, text, nameEnd + 2);
    if (at < 0) return false;
    out.close(annotation);
    const unit = text.charCodeAt(at++);
    if (unit === CLOSE) return at === text.length;
    if (unit !== COMMA) return false;
  }
  return false;
}

function isSeen(iid: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (seen[i] === iid) return true;
  return false;
}

/** Writes the value that begins at `at`; returns where it ends, -1 if it is none of the simple ones. */
function writeValue(out: ProtobufOutput, text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit === QUOTE) {
    const end = plainTextEnd(text, at);
    if (end < 0) return -1;
    out.text(Annotation.string, text.slice(at + 1, end));
    return end + 1;
  }
  if (isDigit(unit)) return writeNumber(out, text, at);
  const isTrue = text.startsWith('true', at);
  if (!isTrue && !text.startsWith('false', at)) return -1;
  out.uint(Annotation.bool, isTrue ? 1 : 0);
  return at + (isTrue ? 4 : 5);
}

/** Where the closing quote of a text without escapes is, -1 for any other. */
function plainTextEnd(text: string, at: number): number {
  if (text.charCodeAt(at) !== QUOTE) return -1;
  for (let i = at + 1; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === QUOTE) return i;
    if (unit === BACKSLASH || unit < SPACE) return -1;
  }
  return -1;
}

/** Integers of up to 15 digits and decimals of as many, without an exponent. */
function writeNumber(out: ProtobufOutput, text: string, start: number): number {
  let at = start;
  let value = 0;
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (!isDigit(unit)) break;
    value = value * 10 + unit - ZERO;
  }
  const digits = at - start;
  // JSON has no numbers with a zero in front.
  if (digits > MAX_DIGITS || (digits > 1 && text.charCodeAt(start) === ZERO)) return -1;
  if (text.charCodeAt(at) !== DOT) {
    out.uint(Annotation.int, value);
    return at;
  }
  const point = at;
  do at++;
  while (isDigit(text.charCodeAt(at)));
  const number = Number(text.slice(start, at));
  // 1.0 is an integer.
  if (at === point + 1 || Number.isInteger(number)) return -1;
  out.double(Annotation.double, number);
  return at;
}

function isDigit(unit: number): boolean {
  return unit >= ZERO && unit <= NINE;
}
