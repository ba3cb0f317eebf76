/** What a span says at its end, whatever its events and links are called. */
import { expect, test } from 'vitest';
import type { EndedSpan } from './ended-span.ts';
import { endText } from './span-text.ts';

const CONTEXT = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };

/** A span as an SDK hands it over, with these facts. */
function ended(facts: Partial<EndedSpan>): EndedSpan {
  return {
    startTime: [10, 0],
    status: { code: 0 },
    events: [],
    links: [],
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...facts,
  } as unknown as EndedSpan;
}

test('attributes of events and links that are called as what these say themselves have a _ behind their name', () => {
  const text = endText(
    ended({
      events: [{ name: 'flag', time: [10, 1_500_000], attributes: { name: 'mine', at_ms: 'never', n: 1 } }],
      links: [{ context: CONTEXT, attributes: { trace_id: 'mine', span_id: 'too' } }],
    }),
  );
  expect(JSON.parse(text)).toEqual({
    events: [{ name: 'flag', at_ms: 1.5, name_: 'mine', at_ms_: 'never', n: 1 }],
    links: [{ trace_id: CONTEXT.traceId, span_id: CONTEXT.spanId, trace_id_: 'mine', span_id_: 'too' }],
  });
});
