/**
 * Arguments that are written straight from their text come out as if they had been parsed first. A space in front of a text
 * is what keeps it from the direct way.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writeAnnotations } from './perfetto-annotations.ts';
import { writeFlatAnnotations } from './perfetto-flat-annotations.ts';
import { SequenceWriter } from './perfetto-sequence-writer.ts';
import { ProtobufOutput } from './protobuf-output.ts';

/** The bytes that the text becomes in a new sequence, undefined if they are not written. */
function encode(text: string, write: typeof writeFlatAnnotations): Buffer | undefined {
  const out = new ProtobufOutput(16);
  const sequence = new SequenceWriter(out, 1, 0n, 0);
  const start = out.at;
  const isWritten = write(out, sequence, text);
  if (!isWritten) expect(out.at).toBe(start);
  return isWritten ? Buffer.from(out.bytes.subarray(start, out.at)) : undefined;
}

/** Whether the text is written directly; then it is what parsing it first makes of it. */
function isDirect(text: string): boolean {
  const direct = encode(text, writeFlatAnnotations);
  if (direct === undefined) return false;
  JSON.parse(text);
  const parsed = encode(` ${text}`, (out, sequence, args) => {
    writeAnnotations(out, sequence, args);
    return true;
  });
  expect(direct.equals(parsed!)).toBe(true);
  return true;
}

const scalar = fc.oneof(
  fc.nat(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(0, 0.5, 1e15, 999_999_999_999_999, 1e-7, 0.1 + 0.2),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'ü', '\ud800', 'a') }),
  fc.boolean(),
  fc.constant(null),
);
const name = fc.oneof(fc.constantFrom('a', 'b', 'task', '1', '01', '', '__proto__'), fc.string());

test('what is written directly is what parsing would have made of it', () => {
  let direct = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, fc.oneof({ arbitrary: scalar, weight: 9 }, fc.jsonValue())), { maxLength: 5 }),
      (members) => {
        // Names may come twice.
        const text = members.map(
          ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value) ?? 'null'}`,
        );
        if (isDirect(`{${text.join(',')}}`)) direct++;
      },
    ),
    { numRuns: 3000 },
  );
  expect(direct).toBeGreaterThan(100);
});

test('text that is damaged anywhere is not written directly, unless it is JSON still', () => {
  const whole = '{"status":200,"ms":12.5,"ok":true,"no":false,"url":"/ü"}';
  fc.assert(
    fc.property(
      fc.nat(whole.length),
      fc.nat(3),
      fc.constantFrom('', ' ', '0', '-', '.', ',', '"', '}', 'e1'),
      (at, cut, piece) => {
        isDirect(whole.slice(0, at) + piece + whole.slice(at + cut));
      },
    ),
    { numRuns: 3000 },
  );
});

test('the arguments of requests are written directly', () => {
  for (const text of [
    '{"method":"GET","url":"/ü?"}',
    '{"status":200,"route":"/a/:id","responseBytes":123456}',
    '{"status":0,"firstByteMs":1.25,"bodyMs":0.001,"aborted":true}',
  ]) {
    expect(isDirect(text)).toBe(true);
  }
});

test('what has another meaning than it seems is parsed', () => {
  for (const value of ['-0', '-1', '1.0', '1e3', '1234567890123456', 'null', '[]', '{}', '"\\u0041"']) {
    expect(isDirect(`{"a":${value}}`)).toBe(false);
  }
  for (const text of [
    '{}',
    '[1]',
    '{"a":1,"a":2}',
    '{"b":1,"1":2}',
    '{"a":1}}',
    '{"a":01}',
    '{"a":1.}',
    ' {"a":1}',
    '{"a" :1}',
    '',
  ]) {
    expect(isDirect(text)).toBe(false);
  }
});

test('many members are parsed', () => {
  const members = (count: number): string =>
    `{${Array.from({ length: count }, (_, i) => `"m${i}":${i}`).join(',')}}`;
  expect(isDirect(members(16))).toBe(true);
  expect(isDirect(members(17))).toBe(false);
});
