/**
 * Says what is wrong with a trace: events that cannot be true, or that viewers show wrong or drop. Reports counts and the
 * first example of each, never a list that grows with the file. Linear in the number of rows.
 *
 * It sees what the reader kept: ends without begins are known only as a count.
 */
import { DefectCounter, exampleOf, type Finding } from './finding.ts';
import { flowFindings } from './flow-findings.ts';
import { finishedSlicesByTrack, sortParentsFirst } from './row-order.ts';
import { SECOND_THREAD_NAME } from './thread-name.ts';
import { EventKind, type Trace } from './trace.ts';
import { LANE_CATEGORIES } from './vocabulary.ts';

/** Two times rounded to nanoseconds may overlap by this much without any defect. */
const ROUNDING_NANOS = 1;

/** Defects that readers can only count, by their reason in `Trace.skipped`. */
const SKIPPED_RULES: ReadonlyMap<string, Pick<Finding, 'rule' | 'severity' | 'message'>> = new Map([
  [
    'end without begin',
    {
      rule: 'end-without-begin',
      severity: 'error',
      message: 'An end closes nothing: its begin is missing, or stands on another thread',
    },
  ],
  [
    SECOND_THREAD_NAME,
    {
      rule: 'renamed-thread',
      severity: 'warning',
      message: 'A thread gets a second name: two threads may share its tid, and their events are mixed',
    },
  ],
]);

/** Checks a trace. Findings come errors first, else in a fixed order; none at all means that nothing is wrong. */
export function validateTrace(trace: Trace): Finding[] {
  const findings = [
    ...fileFindings(trace),
    ...rowFindings(trace),
    ...nestingFindings(trace),
    ...orderFindings(trace),
    ...flowFindings(trace),
    ...trackFindings(trace),
  ];
  const rank = { error: 0, warning: 1, info: 2 };
  return findings.sort((a, b) => rank[a.severity] - rank[b.severity]);
}

function fileFindings(trace: Trace): Finding[] {
  const findings: Finding[] = [];
  if (trace.error !== undefined) {
    findings.push({
      rule: 'damaged-file',
      severity: 'error',
      count: 1,
      message: `Reading stopped: ${trace.error.message}`,
      example: undefined,
    });
  }
  for (const [reason, count] of trace.skipped) {
    const known = SKIPPED_RULES.get(reason) ?? {
      rule: 'skipped-event',
      severity: 'info',
      message: `Not shown: ${reason}`,
    };
    findings.push({ ...known, count, example: undefined });
  }
  return findings;
}

/** What is wrong with an event by itself. */
function rowFindings(trace: Trace): Finding[] {
  const { kind, start, value } = trace.columns;
  const notANumber = new DefectCounter(trace);
  const negative = new DefectCounter(trace);
  const unfinished = new DefectCounter(trace);
  for (let row = 0; row < trace.length; row++) {
    if (!Number.isFinite(start[row]) || !Number.isFinite(value[row])) notANumber.add(row);
    else if (kind[row] === EventKind.slice && value[row]! < 0)
      (value[row] === -1 ? unfinished : negative).add(row);
  }
  return [
    ...notANumber.finding('not-a-number', 'error', 'A time or value is not a finite number'),
    ...negative.finding('negative-duration', 'error', 'A slice ends before it begins'),
    ...unfinished.finding('unfinished-slice', 'warning', 'A slice begins and never ends'),
  ];
}

/** Slices of one track must lie inside each other or apart; an async id must stand for one operation. */
function nestingFindings(trace: Trace): Finding[] {
  const { start, value } = trace.columns;
  const { offsets, rows } = finishedSlicesByTrack(trace);
  const isOpen = tracksWithUnfinished(trace);
  const overlap = new DefectCounter(trace);
  const reuse = new DefectCounter(trace);
  const ends: number[] = [];
  for (const [index, track] of trace.tracks.entries()) {
    const own = rows.subarray(offsets[index], offsets[index + 1]);
    sortParentsFirst(own, start, value);
    // What follows an unfinished slice may be its child: nothing is known of it there.
    // Lanes are shared on purpose (FORMAT.md).
    const isLane = track.category === '' || LANE_CATEGORIES.has(track.category);
    const isOperation = track.kind === 'async' && !isLane && isOpen[index] === 0;
    let outermost = 0;
    ends.length = 0;
    for (const row of own) {
      const begin = start[row]!;
      let end = begin + value[row]!;
      while (ends.length > 0 && ends[ends.length - 1]! - begin <= ROUNDING_NANOS) ends.pop();
      if (ends.length === 0) {
        if (isOperation && ++outermost > 1) reuse.add(row);
      } else if (end > ends[ends.length - 1]! + ROUNDING_NANOS) {
        overlap.add(row);
        // As if cut off where its parent ends: one bad slice is counted once.
        end = ends[ends.length - 1]!;
      }
      ends.push(end);
    }
  }
  return [
    ...overlap.finding(
      'partial-overlap',
      'error',
      'A slice begins inside another one of its track and ends after it; viewers cut it off or draw it elsewhere',
    ),
    ...reuse.finding('async-id-reuse', 'warning', 'Several operations one after another share an async id'),
  ];
}

function tracksWithUnfinished({ columns, length, tracks }: Trace): Uint8Array {
  const isOpen = new Uint8Array(tracks.length);
  for (let row = 0; row < length; row++) {
    if (columns.kind[row] === EventKind.slice && columns.value[row] === -1) isOpen[columns.track[row]!] = 1;
  }
  return isOpen;
}

/** Producers write slices when they begin or when they end. A thread whose rows follow neither order is odd. */
function orderFindings(trace: Trace): Finding[] {
  const { kind, start, value, track } = trace.columns;
  const count = trace.tracks.length;
  const lastBegin = new Float64Array(count).fill(-Infinity);
  const lastEnd = new Float64Array(count).fill(-Infinity);
  const byBegin = new Uint32Array(count);
  const byEnd = new Uint32Array(count);
  const firstByBegin = new Uint32Array(count);
  for (let row = 0; row < trace.length; row++) {
    // An arrow's end follows the slice that it belongs to, or stands before it.
    if (kind[row]! >= EventKind.flowOut) continue;
    const t = track[row]!;
    const begin = start[row]!;
    const end = kind[row] === EventKind.slice && value[row]! > 0 ? begin + value[row]! : begin;
    if (begin < lastBegin[t]! && byBegin[t]!++ === 0) firstByBegin[t] = row;
    if (end < lastEnd[t]!) byEnd[t]!++;
    lastBegin[t] = begin;
    lastEnd[t] = end;
  }
  let backward = 0;
  let first = -1;
  for (let t = 0; t < count; t++) {
    const fewer = Math.min(byBegin[t]!, byEnd[t]!);
    if (fewer > 0 && first < 0) first = firstByBegin[t]!;
    backward += fewer;
  }
  if (backward === 0) return [];
  return [
    {
      rule: 'time-goes-back',
      severity: 'info',
      count: backward,
      message: 'A track is in order neither of its begins nor of its ends; readers must sort it',
      example: exampleOf(trace, first),
    },
  ];
}

function trackFindings(trace: Trace): Finding[] {
  const findings: Finding[] = [];
  let dropped = 0;
  let shared = 0;
  const pidOf = new Map<number, number>();
  for (const track of trace.tracks) {
    dropped += track.dropped;
    if (track.kind !== 'thread') continue;
    if ((pidOf.get(track.tid) ?? track.pid) !== track.pid) shared++;
    pidOf.set(track.tid, track.pid);
  }
  if (dropped > 0) {
    const message =
      'Events were left out: the recorder could not keep up, or spans were open in a worker that did not answer at the end';
    findings.push({
      rule: 'dropped-event',
      severity: 'warning',
      count: dropped,
      message,
      example: undefined,
    });
  }
  if (shared > 0) {
    const message = 'Threads of several processes share a tid; some viewers draw them as one';
    findings.push({ rule: 'shared-tid', severity: 'warning', count: shared, message, example: undefined });
  }
  return findings;
}
