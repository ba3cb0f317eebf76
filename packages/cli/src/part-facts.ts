/**
 * What a part of a split trace says about itself, so that the parts can be joined again whatever the format: which
 * recording it is of, and the ends of arrows that lead into other parts. Those ends are facts and no events, because alone
 * they lead nowhere, and because readers give arrows numbers of their own in each file.
 *
 * Each end is a JSON object as text: a string comes back the same from every format.
 */
import { MetadataName, type Trace, type Track } from '@ttrace/format';

/** One end of an arrow, with the track and the absolute time it lies at. */
export interface ArrowEnd {
  /** `EventKind` of a flow. */
  readonly kind: 3 | 4 | 5;
  /** The same for all ends of one arrow, unlike that of any other. */
  readonly arrow: string;
  readonly track: Pick<Track, 'kind' | 'pid' | 'tid' | 'id' | 'category' | 'name'>;
  readonly name: string;
  readonly category: string;
  /** Absolute time: whole microseconds, and nanoseconds behind them. */
  readonly micros: number;
  readonly nanos: number;
}

/** What a part says. */
export interface PartFacts {
  /** The same for all parts of a trace, and for parts of those. */
  readonly recording: string;
  readonly ends: readonly ArrowEnd[];
}

/** Ends a fact: one event must not grow without bound. */
const MAX_ENDS = 10_000;
const TRACK_KINDS: readonly Track['kind'][] = ['process', 'thread', 'async', 'counter'];

/** The facts of a trace with those of a part in place of any that it has. */
export function withPartFacts(
  trace: Trace,
  { recording, ends }: PartFacts,
  part: number,
): ReadonlyMap<string, string> {
  const metadata = new Map(withoutPartFacts(trace).metadata);
  metadata.set(MetadataName.part, JSON.stringify({ recording, part }));
  for (let at = 0, number = 1; at < ends.length; at += MAX_ENDS, number++) {
    const texts = ends.slice(at, at + MAX_ENDS).map((end) => JSON.stringify(end));
    metadata.set(`${MetadataName.arrows} ${number}`, JSON.stringify({ ends: texts }));
  }
  return metadata;
}

/** The trace without the facts of a part. */
export function withoutPartFacts(trace: Trace): Trace {
  const metadata = new Map([...trace.metadata].filter(([name]) => !isPartFact(name)));
  return metadata.size === trace.metadata.size ? trace : { ...trace, metadata };
}

/** Whether a fact of this name is about the part, not about the recording. */
export function isPartFact(name: string): boolean {
  return name === MetadataName.part || name.startsWith(`${MetadataName.arrows} `);
}

/** What a trace says of itself as a part; undefined if it is none. What makes no sense in it is left out. */
export function partFacts({ metadata }: Pick<Trace, 'metadata'>): PartFacts | undefined {
  const { recording } = parsed(metadata.get(MetadataName.part) ?? '') as { recording?: unknown };
  if (typeof recording !== 'string') return undefined;
  const ends: ArrowEnd[] = [];
  for (const [name, text] of metadata) {
    if (!name.startsWith(`${MetadataName.arrows} `)) continue;
    const list = (parsed(text) as { ends?: unknown }).ends;
    for (const end of Array.isArray(list) ? list : []) {
      const arrowEnd = parsed(typeof end === 'string' ? end : '');
      if (isArrowEnd(arrowEnd)) ends.push(arrowEnd);
    }
  }
  return { recording, ends };
}

/** Whether this is an end as `withPartFacts` writes it: any program may have written anything. */
function isArrowEnd(value: object): value is ArrowEnd {
  const { kind, arrow, track, name, category, micros, nanos } = value as Partial<ArrowEnd>;
  if (kind !== 3 && kind !== 4 && kind !== 5) return false;
  if (typeof track !== 'object' || track === null || !TRACK_KINDS.includes(track.kind)) return false;
  const texts = [arrow, name, category, track.id, track.category, track.name];
  const numbers = [micros, nanos, track.pid, track.tid];
  return texts.every((text) => typeof text === 'string') && numbers.every(Number.isFinite);
}

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
