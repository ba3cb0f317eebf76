/** Splitting: parts that are whole by themselves, and that give the trace back. */
import type { Trace } from '@ttrace/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryTrace, partsOf, sortedText, throughFile } from './arbitrary-trace-test-kit.ts';
import { createTraceMerger } from './merge-traces.ts';

function merged(traces: readonly Trace[]): Trace {
  const merger = createTraceMerger();
  for (const trace of traces) merger.add(trace);
  return merger.finish();
}

const most = fc.integer({ min: 1, max: 3000 });

test('the parts of any trace together are the trace', () => {
  fc.assert(
    fc.property(arbitraryTrace, most, (trace, weight) => {
      expect(sortedText(merged(partsOf(trace, weight)))).toEqual(sortedText(trace));
    }),
    { numRuns: 300 },
  );
});

test('parts of parts together are the trace as well', () => {
  fc.assert(
    fc.property(arbitraryTrace, most, most, (trace, weight, less) => {
      const parts = partsOf(trace, weight).flatMap((part) => partsOf(part, less));
      // A part may hold nothing but ends of arrows, which are facts: then it has no parts itself.
      fc.pre(partsOf(trace, weight).every(({ length }) => length > 0));
      expect(sortedText(merged(parts))).toEqual(sortedText(trace));
    }),
    { numRuns: 200 },
  );
});

test.each(['json', 'perfetto'] as const)(
  'parts that were files of %s together are the trace that was in a file',
  async (format) => {
    await fc.assert(
      fc.asyncProperty(arbitraryTrace, most, async (arbitrary, weight) => {
        const trace = await throughFile(arbitrary, format);
        const parts: Trace[] = [];
        for (const part of partsOf(trace, weight)) parts.push(await throughFile(part, format));
        const again = await throughFile(merged(parts), format);
        expect(sortedText(again)).toEqual(sortedText(await throughFile(trace, format)));
      }),
      { numRuns: 80 },
    );
  },
);
