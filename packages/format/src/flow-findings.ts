/** Checks arrows: each needs a start and an end, and time does not go back along it. Part of `validateTrace`. */
import { DefectCounter, type Finding } from './finding.ts';
import { EventKind, type Trace } from './trace.ts';

/** What is known of each flow, by a dense index. */
interface FlowTable {
  readonly count: number;
  readonly indexOf: (flow: number) => number;
}

/** Flows that lack an end or a start, or that end before they start. */
export function flowFindings(trace: Trace): Finding[] {
  const { kind, start, value } = trace.columns;
  const { count, indexOf } = flowTable(trace);
  if (count === 0) return [];
  const firstOut = new Float64Array(count).fill(Infinity);
  const lastIn = new Float64Array(count).fill(-Infinity);
  const rowOf = new Int32Array(count).fill(-1);
  for (let row = trace.length - 1; row >= 0; row--) {
    if (kind[row]! < EventKind.flowOut || Number.isNaN(value[row])) continue;
    const flow = indexOf(value[row]!);
    rowOf[flow] = row;
    if (kind[row] === EventKind.flowOut) firstOut[flow] = Math.min(firstOut[flow]!, start[row]!);
    else if (kind[row] === EventKind.flowIn) lastIn[flow] = Math.max(lastIn[flow]!, start[row]!);
  }
  const noStart = new DefectCounter(trace);
  const noEnd = new DefectCounter(trace);
  const backward = new DefectCounter(trace);
  for (let flow = 0; flow < count; flow++) {
    if (rowOf[flow]! < 0) continue;
    if (firstOut[flow] === Infinity) noStart.add(rowOf[flow]!);
    else if (lastIn[flow] === -Infinity) noEnd.add(rowOf[flow]!);
    else if (lastIn[flow]! < firstOut[flow]!) backward.add(rowOf[flow]!);
  }
  return [
    ...noEnd.finding('flow-without-end', 'warning', 'An arrow starts and never arrives'),
    ...noStart.finding('flow-without-start', 'warning', 'An arrow arrives from nowhere'),
    ...backward.finding('flow-goes-back', 'warning', 'An arrow arrives before it starts'),
  ];
}

/** Readers number flows 1, 2, …; a trace from elsewhere may use any numbers, and pays for a map. */
function flowTable({ columns, length }: Trace): FlowTable {
  const { kind, value } = columns;
  let rows = 0;
  let highest = 0;
  let isDense = true;
  for (let row = 0; row < length; row++) {
    if (kind[row]! < EventKind.flowOut) continue;
    rows++;
    highest = Math.max(highest, value[row]!);
    if (!(value[row]! >= 0) || !Number.isInteger(value[row])) isDense = false;
  }
  if (rows === 0) return { count: 0, indexOf: () => 0 };
  if (isDense && highest <= rows) return { count: highest + 1, indexOf: (flow) => flow };
  const indexes = new Map<number, number>();
  for (let row = 0; row < length; row++) {
    const flow = value[row]!;
    if (kind[row]! >= EventKind.flowOut && !indexes.has(flow)) indexes.set(flow, indexes.size);
  }
  return { count: indexes.size, indexOf: (flow) => indexes.get(flow)! };
}
