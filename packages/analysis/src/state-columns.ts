/** How a thread's time, or a part of it, was spent, as columns that add up to the total: Go's breakdown of a goroutine. */
import type { Column } from './table.ts';
import { type StateTimes, THREAD_STATES, type ThreadState } from './thread-states.ts';
import type { TraceIndex } from './trace-index.ts';

/** A row that has such times. */
export interface WithStates {
  readonly times: StateTimes;
}

const MEANING: Readonly<Record<ThreadState, { title: string; help: string }>> = {
  running: {
    title: 'Running',
    help: 'Time in slices, turns of the event loop and CPU samples, and while a worker starts; of what is too short to be recorded as much as the loop’s utilisation tells.',
  },
  blocked: {
    title: 'Blocked loop',
    help: 'Time in turns of the event loop that the recorder calls blocks: over 20 ms by default.',
  },
  gc: { title: 'GC', help: 'Time in garbage collections on the thread.' },
  waiting: { title: 'Waiting', help: 'Time in waits that stop the thread, such as Atomics.wait.' },
  idle: { title: 'Idle', help: 'Time in which the event loop had nothing to do.' },
  unknown: { title: 'Unknown', help: 'Time of which the trace does not tell whether the thread ran.' },
};

/** What people call a state. */
export function stateTitle(state: ThreadState): string {
  return MEANING[state].title;
}

/** Columns for the states, in which each wait has one of its own: they do not overlap and add up to the row's total. */
export function stateColumns<Row extends WithStates>(index: TraceIndex, rows: readonly Row[]): Column<Row>[] {
  const columns: Column<Row>[] = [];
  THREAD_STATES.forEach((state, at) => {
    if (state === 'waiting') return;
    const { title, help } = MEANING[state];
    columns.push({ id: `${state}Nanos`, title, unit: 'nanos', help, of: ({ times }) => times.byState[at] });
  });
  columns.splice(3, 0, ...waitColumns(index, rows));
  return columns;
}

/** Waits beyond these share a column. */
const MAX_WAITS = 8;

function waitColumns<Row extends WithStates>(index: TraceIndex, rows: readonly Row[]): Column<Row>[] {
  const totals = new Map<number, number>();
  for (const { times } of rows) {
    for (const [reason, time] of times.byReason) totals.set(reason, (totals.get(reason) ?? 0) + time);
  }
  const reasons = [...totals].sort((a, b) => b[1] - a[1]).map(([reason]) => reason);
  const named = reasons.slice(0, MAX_WAITS);
  const columns = named.map((reason): Column<Row> => {
    const name = index.trace.strings.text(reason);
    return {
      id: `waiting:${name}`,
      title: `Waiting (${name})`,
      unit: 'nanos',
      help: `${MEANING.waiting.help} Here: ${name}.`,
      of: ({ times }) => times.byReason.get(reason) ?? 0,
    };
  });
  if (reasons.length > named.length) {
    columns.push({
      id: 'waiting:other',
      title: 'Waiting (other)',
      unit: 'nanos',
      help: MEANING.waiting.help,
      of: ({ times: { byReason } }) => {
        let sum = 0;
        for (const [reason, time] of byReason) if (!named.includes(reason)) sum += time;
        return sum;
      },
    });
  }
  return columns;
}
