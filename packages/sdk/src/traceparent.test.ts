/** The header `traceparent`, as W3C has it, whatever stands in it. */
import { expect, test } from 'vitest';
import { newSpanId, newTraceId, parseTraceparent, traceparentOf } from './traceparent.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test('a header is read and written again, with what this version knows of its flags', () => {
  const parsed = parseTraceparent(`00-${TRACE}-${SPAN}-01`, 'a=1,b=2');
  expect(parsed).toEqual({ traceId: TRACE, spanId: SPAN, flags: 1, state: 'a=1,b=2' });
  expect(traceparentOf(parsed!)).toBe(`00-${TRACE}-${SPAN}-01`);
  const later = parseTraceparent(` cc-${TRACE}-${SPAN}-ff-more `);
  expect(later?.flags).toBe(255);
  expect(traceparentOf(later!)).toBe(`00-${TRACE}-${SPAN}-03`);
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-00`, 'x'.repeat(600))?.state).toBe('');
});

test.each([
  '',
  `00-${TRACE}-${SPAN}`,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE}-${SPAN}-01-more`,
  `00-${TRACE}-${SPAN}-0x`,
  `00-${TRACE}-${SPAN}-01${'x'.repeat(1e5)}`,
  undefined,
  17,
])('%j says nothing', (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});

test('new ids are as long as they must be, and not two are the same', () => {
  const spans = new Set(Array.from({ length: 10_000 }, newSpanId));
  expect(spans.size).toBe(10_000);
  for (const id of spans) expect(id).toMatch(/^[\da-f]{16}$/);
  expect(newTraceId()).toMatch(/^[\da-f]{32}$/);
});
