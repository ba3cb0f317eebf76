/** Counters of a trace for the Firefox Profiler, which has changes where a trace has values. */
import { EventKind, rowsInOrder } from '@ttrace/format';
import type { TraceIndex } from '../trace-index.ts';
import { jsonArray } from './profile-file.ts';

const COLORS = ['blue', 'green', 'orange', 'purple', 'teal', 'magenta', 'yellow', 'red'] as const;

/** `Profile.counters` as JSON. @param threadOf index of the first thread of a process in the profile. */
export function* firefoxCounters(
  index: TraceIndex,
  threadOf: (pid: number) => number,
): Generator<string, void, undefined> {
  const { tracks, columns } = index.trace;
  const { offsets, rows } = rowsInOrder(index.trace);
  let count = 0;
  yield '[';
  for (const [track, { kind, name, pid, unit }] of tracks.entries()) {
    const own = rows.subarray(offsets[track]!, offsets[track + 1]!);
    if (kind !== 'counter' || own.length === 0) continue;
    const head = {
      name,
      category: 'counter',
      description: unit === '' ? '' : `In ${unit}`,
      pid: String(pid),
      mainThreadIndex: Math.max(0, threadOf(pid)),
      display: displayOf(name, unit, count),
    };
    yield `${count++ === 0 ? '' : ','}${JSON.stringify(head).slice(0, -1)},"samples":{"time":`;
    const samples = [...own].filter((row) => columns.kind[row] === EventKind.counter);
    yield* jsonArray(samples.map((row) => (columns.start[row]! - index.start) / 1e6));
    yield ',"count":';
    yield* jsonArray(changes(samples.map((row) => columns.value[row]!)));
    yield `,"length":${samples.length}}}`;
  }
  yield ']';
}

function* changes(values: readonly number[]): Generator<number, void, undefined> {
  let before = 0;
  for (const value of values) {
    yield Number.isFinite(value) ? value - before : 0;
    if (Number.isFinite(value)) before = value;
  }
}

function displayOf(label: string, unit: string, count: number): object {
  const format = { unit: unit === 'bytes' || unit === 'B' ? 'bytes' : 'number' };
  return {
    graphType: 'line-accumulated',
    unit,
    color: COLORS[count % COLORS.length]!,
    markerSchemaLocation: null,
    sortWeight: 50 + count,
    label,
    tooltipRows: [{ type: 'value', source: 'accumulated', format, label: 'Value' }],
  };
}
