/** The functions of a profile as a table, as `go tool pprof -top` prints them; and its stacks collapsed into lines. */
import type { Profile } from './profile.ts';
import { PROFILES } from './profiles.ts';
import { type Frame, frameText, placeText } from './stack-frame.ts';
import type { Table } from './table.ts';

/** A function wherever it stands. */
export interface FunctionRow {
  readonly frame: Frame;
  /** Time on stacks of which it is the innermost. */
  readonly selfNanos: number;
  /** Time and number of the stacks in which it is, each counted once however often it is in it. */
  readonly totalNanos: number;
  readonly count: number;
}

/** All functions, those with the most time of their own first. */
export function functionsTable(profile: Profile): Table<FunctionRow> {
  const { title, help, noun } = PROFILES.find(({ type }) => type === profile.type)!;
  const rows = functionRows(profile);
  const share = (nanos: number): number | undefined =>
    profile.nanos > 0 ? nanos / profile.nanos : undefined;
  return {
    id: profile.type,
    title,
    help,
    columns: [
      {
        id: 'function',
        title: 'Function',
        unit: 'text',
        help: 'Name of the function, region, wait or way of a message.',
        of: ({ frame }) => frame.name,
      },
      {
        id: 'place',
        title: 'Where',
        unit: 'text',
        help: 'File and line, where there is a source.',
        of: ({ frame }) => placeText(frame),
      },
      {
        id: 'selfNanos',
        title: 'Self',
        unit: 'nanos',
        help: 'Time on stacks of which it is the innermost. All rows together are the profile’s total.',
        of: ({ selfNanos }) => selfNanos,
      },
      {
        id: 'selfShare',
        title: 'Self %',
        unit: 'share',
        help: 'Part of the profile’s total.',
        of: ({ selfNanos }) => share(selfNanos),
      },
      {
        id: 'totalNanos',
        title: 'Total',
        unit: 'nanos',
        help: 'Time on stacks in which it is, what it called included; rows overlap.',
        of: ({ totalNanos }) => totalNanos,
      },
      {
        id: 'totalShare',
        title: 'Total %',
        unit: 'share',
        help: 'Part of the profile’s total.',
        of: ({ totalNanos }) => share(totalNanos),
      },
      {
        id: 'count',
        title: `${noun.charAt(0).toUpperCase()}${noun.slice(1)}s`,
        unit: 'count',
        help: 'How many on stacks in which it is. A block that was seen with several stacks counts with the first.',
        of: ({ count }) => count,
      },
    ],
    rows,
  };
}

function functionRows({ frames, samples }: Profile): FunctionRow[] {
  const self = new Float64Array(frames.length);
  const total = new Float64Array(frames.length);
  const counts = new Float64Array(frames.length);
  for (const { stack, values } of samples) {
    if (stack.length > 0) self[stack[0]!]! += values[1];
    for (const frame of new Set(stack)) {
      total[frame]! += values[1];
      counts[frame]! += values[0];
    }
  }
  return frames
    .map((frame, at) => ({ frame, selfNanos: self[at]!, totalNanos: total[at]!, count: counts[at]! }))
    .sort((a, b) => b.selfNanos - a.selfNanos || b.totalNanos - a.totalNanos);
}

/** One line a stack, outermost function first, and its nanoseconds: `main;parse app.js:3 1200`. What speedscope and flamegraph.pl read. */
export function foldedLines({ frames, samples }: Profile): string[] {
  const names = frames.map((frame) => frameText(frame).replace(/[;\r\n]/g, ','));
  const totals = new Map<string, number>();
  for (const { stack, values } of samples) {
    const key = stack
      .map((frame) => names[frame]!)
      .reverse()
      .join(';');
    totals.set(key, (totals.get(key) ?? 0) + values[1]);
  }
  return [...totals].sort((a, b) => b[1] - a[1]).map(([stack, nanos]) => `${stack} ${Math.round(nanos)}`);
}
