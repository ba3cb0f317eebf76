/**
 * What the events of async tracks of one process and category have in common, as words: there is a track for every task, but
 * few names of them. Between the parts stands the track's id.
 */
import { textWords } from './json-words.ts';

/** Phases of events on async tracks. */
export type AsyncPhase = 'b' | 'e' | 'n';

export interface AsyncFamily {
  readonly pid: number;
  readonly category: string;
  /** `"pid":1,"tid":2`, as everywhere. */
  readonly place: Uint8Array;
  /** In front of the id, by name: `,\n{"ph":"b","name":"order","cat":"task","id2":{"local":` */
  readonly heads: Readonly<Record<AsyncPhase, (Int32Array | undefined)[]>>;
  /** Behind the id: `},"pid":1,"tid":2,"ts":` */
  readonly tail: Int32Array;
}

/** @param place where its events lie, as JSON. */
export function asyncFamily(pid: number, category: string, place: string): AsyncFamily {
  return {
    pid,
    category,
    place: new TextEncoder().encode(place),
    heads: { b: [], e: [], n: [] },
    tail: textWords(`},${place},"ts":`),
  };
}

/**
 * An event is found by its track's category and id, whatever its own category. A local id belongs to the process; Perfetto
 * shows tracks of global ids under no process.
 * @param name as JSON.
 */
export function asyncHead(phase: AsyncPhase, name: string, category: string): Int32Array {
  return textWords(`,\n{"ph":"${phase}","name":${name},"cat":${JSON.stringify(category)},"id2":{"local":`);
}
