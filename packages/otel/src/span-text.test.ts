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
      events: [
        {
          name: 'flag',
          time: [10, 1_500_000],
          attributes: { name: 'mine', name_: 'too', at_ms: 'never', n: 1 },
        },
      ],
      links: [{ context: CONTEXT, attributes: { trace_id: 'mine', span_id: 'too' } }],
    }),
  );
  expect(JSON.parse(text)).toEqual({
    events: [{ name: 'flag', at_ms: 1.5, name_: 'mine', name__: 'too', at_ms_: 'never', n: 1 }],
    links: [{ trace_id: CONTEXT.traceId, span_id: CONTEXT.spanId, trace_id_: 'mine', span_id_: 'too' }],
  });
});

test('links that have no room beside many events are counted', () => {
  const events = Array.from({ length: 60 }, (_, at) => ({
    name: `event ${at}`,
    time: [10, at] as const,
    attributes: { text: 'x'.repeat(300) },
  }));
  const links = [{ context: CONTEXT }, { context: CONTEXT }];
  const facts = JSON.parse(endText(ended({ events, links, droppedLinksCount: 1 }))) as Record<
    string,
    unknown
  >;
  expect(facts.events).toHaveLength(60);
  expect(facts).toMatchObject({ dropped_links: 3 });
  expect(facts).not.toHaveProperty('links');
});

test.each([
  ['stacks', 'exception', 4],
  ['names', 'x'.repeat(1000), 30],
])('however long the %s of events are, the status of their span stays', (_, name, count) => {
  const event = { name, time: [10, 0] as const, attributes: { 'exception.stacktrace': 'x'.repeat(5000) } };
  const status = { code: 2, message: 'went wrong' };
  const text = endText(
    ended({ status, events: new Array<typeof event>(count).fill(event), droppedEventsCount: 1 }),
  );
  const facts = JSON.parse(text) as Record<string, unknown>;
  expect(facts).toMatchObject({ status: 'error', status_message: 'went wrong' });
  const kept = (facts.events as unknown[] | undefined)?.length ?? 0;
  expect(kept + Number(facts.dropped_events)).toBe(count + 1);
});
