/** What other readers need of our JSON: Chrome DevTools a name of every event, Perfetto the process of every task. */
import { expect, test } from 'vitest';
import { createJsonWriter } from './json-writer.ts';
import { readTrace } from './read-trace.ts';
import type { Trace } from './trace.ts';
import type { TraceWriter } from './trace-writer.ts';

interface JsonEvent {
  readonly ph: string;
  readonly name: unknown;
  readonly cat?: string;
}

function encode(write: (writer: TraceWriter) => void): JsonEvent[] {
  const chunks: Uint8Array[] = [];
  const writer = createJsonWriter({ origin: 0n, sink: (bytes) => chunks.push(bytes.slice()) });
  write(writer);
  writer.finish();
  return JSON.parse(Buffer.concat(chunks).toString()) as JsonEvent[];
}

function read(events: readonly JsonEvent[]): Promise<Trace> {
  return readTrace(
    (async function* () {
      yield Buffer.from(JSON.stringify(events));
    })(),
  );
}

test('every event of our JSON files has a name, ends that of their begin, and none makes them a web page', async () => {
  const events = encode((writer) => {
    writer.process(1, 'p');
    const main = writer.thread(1, 1, 'main');
    const task = writer.asyncTrack(1, 'task', '0x1', 'order');
    const [outer, region] = [writer.string('outer'), writer.string('region')];
    writer.begin(main, outer, region, 1, 0);
    writer.begin(main, 0, region, 2, 0);
    writer.slice(main, 0, 0, 3, 1, 0);
    writer.slice(main, 0, 0, 3, 1, 0, '{"a":1}');
    writer.instant(main, 0, 0, 4, 0);
    writer.begin(task, writer.string('order'), writer.string('task'), 4, 0);
    writer.counter(writer.counterTrack(1, ''), 4, 1);
    writer.end(task, 5);
    writer.end(main, 5, '{"late":true}');
    writer.end(main, 6);
  });
  expect(events.filter(({ name }) => typeof name !== 'string')).toEqual([]);
  expect(events.filter(({ name }) => String(name).startsWith('TracingStarted'))).toEqual([]);
  expect(events.filter(({ ph }) => ph === 'E').map(({ name, cat }) => [name, cat])).toEqual([
    ['', 'region'],
    ['outer', 'region'],
  ]);
  expect((await read(events)).length).toBe(7);
});

test('tasks of the JSON belong to their process', async () => {
  // Two recordings in one array: their ids are alike.
  const events = [1, 2].flatMap((pid) =>
    encode((writer) => {
      const task = writer.asyncTrack(pid, 'task', '0x1', 'order');
      writer.begin(task, writer.string('order'), writer.string('task'), pid, 0);
      writer.end(task, pid + 10);
    }),
  );
  const trace = await read(events);
  expect(trace.tracks.filter(({ kind }) => kind === 'async').map(({ pid }) => pid)).toEqual([1, 2]);
  expect([...trace.columns.value]).toEqual([10, 10]);
});
