/**
 * Which slices are garbage collections, and of which kind: those that ttrace records, and V8's own in logs of Chromium and of
 * `node --trace-event-categories v8`. V8 writes several slices a collection, one in another, and with more categories its phases in them:
 * only the outermost counts. What it does on helper threads stops no JavaScript and is none of them.
 *
 * V8's names stand in `src/heap/heap.cc` and `src/logging/counters-definitions.h` of V8.
 */
import { Category, EventKind } from '@ttrace/format';
import type { TraceIndex } from './trace-index.ts';

/** Categories of V8's slices about its heap, as Chromium and Node.js write them. */
const V8_CATEGORIES = [
  'v8',
  'devtools.timeline,v8',
  'disabled-by-default-v8.gc',
  'devtools.timeline,disabled-by-default-v8.gc',
];

/** The recorder's names for what V8 calls its collections. */
const V8_KINDS: readonly (readonly [kind: string, names: RegExp])[] = [
  [
    'GC minor',
    /^(MinorGC|V8\.GC(Scavenger|MinorM[CS])(Background|Foreground)?|V8\.GC_(SCAVENGER|MINOR_M[CS]|MINOR_MARK_(COMPACTOR|SWEEPER)))$/,
  ],
  [
    'GC major',
    /^(MajorGC|V8\.GC(FinalizeMC|Compactor)(ReduceMemory)?(Background|Foreground)?|V8\.GC_MARK_COMPACTOR)$/,
  ],
  ['GC incremental', /^V8\.GC(IncrementalMarking(Start|Finalize)?|_MC_INCREMENTAL(_START|_FINALIZE)?)$/],
];

/** The garbage collections of a trace. */
export interface Collections {
  /** Their rows, in file order. */
  readonly rows: Uint32Array;
  /** Rows of them that V8 itself wrote; what lies within one of these is a phase of it. */
  readonly ofV8: ReadonlySet<number>;
  /** `GC minor`, `GC major`, `GC incremental`, or what else the recorder calls one. */
  kindOf(row: number): string;
  has(row: number): boolean;
}

/** All collections. Linear in the rows of their categories. */
export function collectionsIn(index: TraceIndex): Collections {
  return index.once(findCollections);
}

/** Whether the trace could tell: 0 collections must not mean that nobody looked. */
export function areCollectionsRecorded(index: TraceIndex): boolean {
  return (
    index.category(Category.gc) >= 0 ||
    V8_CATEGORIES.some((category) => index.rowsOf(category).length > 0) ||
    index.trace.tracks.some(({ name }) => name.endsWith(' heap used'))
  );
}

function findCollections(index: TraceIndex): Collections {
  const { kind, category } = index.trace.columns;
  const own = index.category(Category.gc);
  const kinds = v8Kinds(index);
  const isSlice = (row: number): boolean => kind[row] === EventKind.slice;
  return {
    rows: Uint32Array.from([...index.rowsOf(Category.gc).filter(isSlice), ...kinds.keys()]).sort(),
    ofV8: new Set(kinds.keys()),
    kindOf: (row) => kinds.get(row) ?? index.nameOf(row),
    has: (row) => category[row] === own || kinds.has(row),
  };
}

/** Kinds of V8's outermost collections, by row. */
function v8Kinds(index: TraceIndex): Map<number, string> {
  const { kind, name, start, track } = index.trace.columns;
  const byName = new Map<number, string | undefined>();
  const kindNamed = (id: number): string | undefined => {
    if (!byName.has(id)) {
      const text = index.trace.strings.text(id);
      byName.set(id, V8_KINDS.find(([, names]) => names.test(text))?.[0]);
    }
    return byName.get(id);
  };
  const rows = V8_CATEGORIES.flatMap((category) => [...index.rowsOf(category)])
    .filter((row) => kind[row] === EventKind.slice && kindNamed(name[row]!) !== undefined)
    .sort((a, b) => track[a]! - track[b]! || start[a]! - start[b]! || index.endOf(b) - index.endOf(a));
  const found = new Map<number, string>();
  let outer = -1;
  for (const row of rows) {
    const isWithin = outer >= 0 && track[outer] === track[row] && index.endOf(row) <= index.endOf(outer);
    if (isWithin) continue;
    found.set(row, kindNamed(name[row]!)!);
    outer = row;
  }
  return found;
}
