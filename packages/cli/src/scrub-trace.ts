/**
 * Takes out of a trace what must not leave the company, and leaves its shape: every event, its time, its track, its task.
 * Directories go from names, locations and stacks, texts from arguments and facts, and on request all names.
 *
 * The result has a table of strings of its own, so nothing of what was removed is in it.
 */
import {
  Category,
  EventKind,
  loopTrackName,
  MetadataName,
  StringTable,
  sampleTrackName,
  type Trace,
  type Track,
} from '@ttrace/format';
import { isPartFact } from './part-facts.ts';
import { type ArgumentScrubbing, scrubArguments } from './scrub-arguments.ts';
import { kindOf, type NameKind, Renaming } from './scrub-names.ts';
import { withoutDirectories } from './scrub-paths.ts';

/** What is to go. */
export interface Scrubbing {
  /** Names of tasks, regions, threads, processes and all else that programs name. */
  readonly names: boolean;
  /** Texts in arguments and facts, and messages of errors. */
  readonly values: boolean;
  /** Directories. */
  readonly paths: boolean;
  /** Names, also of arguments and facts, that stay as they are. */
  readonly keep?: RegExp | undefined;
}

/** The trace without what is to go. */
export function scrubTrace(trace: Trace, { names, values, paths, keep }: Scrubbing): Trace {
  const isKept = (name: string): boolean => keep?.test(name) ?? false;
  const renaming = new Renaming({ names, paths, messages: values, isKept });
  const regions = namesOfRegions(trace);
  const region = (name: string): string | undefined =>
    regions.has(name) ? renaming.name('region', name) : undefined;
  const columns = scrubColumns(trace, renaming, { values, paths, isKept, region });
  return {
    ...trace,
    ...columns,
    tracks: scrubTracks(trace.tracks, renaming),
    processes: trace.processes.map((process) => ({
      ...process,
      name: renaming.name('process', process.name),
    })),
    metadata: scrubMetadata(trace.metadata, { values, paths, isKept, region }),
    // They may quote the file.
    skipped: new Map(),
    error: undefined,
  };
}

function namesOfRegions({ columns, strings, length }: Trace): ReadonlySet<string> {
  const category = strings.find(Category.region);
  const ids = new Set<number>();
  for (let row = 0; row < length; row++) {
    if (columns.category[row] === category && columns.kind[row]! < EventKind.counter)
      ids.add(columns.name[row]!);
  }
  return new Set(Array.from(ids, (id) => strings.text(id)));
}

/** Each text is looked at once for each kind of name that it is. */
function scrubColumns(
  { columns, strings, length }: Trace,
  renaming: Renaming,
  scrubbing: ArgumentScrubbing,
): Pick<Trace, 'columns' | 'strings'> {
  const to = new StringTable();
  const tables = new Map<NameKind | 'args', Int32Array>();
  const mapped = (kind: NameKind | 'args', id: number, change: (text: string) => string): number => {
    let table = tables.get(kind);
    if (table === undefined) {
      table = new Int32Array(strings.size).fill(-1);
      tables.set(kind, table);
    }
    if (table[id]! < 0) table[id] = to.intern(change(strings.text(id)));
    return table[id]!;
  };
  const kinds = new Map<number, NameKind>();
  const name = new Uint32Array(length);
  const category = new Uint32Array(length);
  const args = new Uint32Array(length);
  for (let row = 0; row < length; row++) {
    const scope = columns.category[row]!;
    const isCounter = columns.kind[row] === EventKind.counter;
    const kind = isCounter ? 'counter' : (kinds.get(scope) ?? kindOf(strings.text(scope)));
    if (!isCounter) kinds.set(scope, kind);
    name[row] = mapped(kind, columns.name[row]!, (text) => renamed(renaming, kind, text, scrubbing));
    category[row] = mapped('category', scope, (text) => renaming.name('category', text));
    if (columns.args[row] !== 0)
      args[row] = mapped('args', columns.args[row]!, (text) => argumentsOf(text, scrubbing));
  }
  return { strings: to, columns: { ...columns, name, category, args } };
}

function renamed(renaming: Renaming, kind: NameKind, name: string, { region }: ArgumentScrubbing): string {
  if (kind === 'counter') return renaming.distinct(kind, name);
  // A block may be called after the region that was open.
  return (kind === 'code' ? region(name) : undefined) ?? renaming.name(kind, name);
}

/** What most events have. */
const ONLY_TASK = /^\{"task":\d+\}$/;

function argumentsOf(text: string, scrubbing: ArgumentScrubbing): string {
  return ONLY_TASK.test(text) ? text : scrubArguments(text, scrubbing);
}

function scrubTracks(tracks: readonly Track[], renaming: Renaming): Track[] {
  const threads = new Map<string, string>();
  for (const { kind, name } of tracks) {
    if (kind !== 'thread' || name === '') continue;
    const renamedThread = renaming.name('thread', name);
    threads.set(name, renamedThread);
    threads.set(loopTrackName(name), loopTrackName(renamedThread));
    threads.set(sampleTrackName(name), sampleTrackName(renamedThread));
  }
  return tracks.map((track) => {
    const { kind, name, category } = track;
    const unit = renaming.name('code', track.unit);
    if (kind === 'thread') return { ...track, unit, name: threads.get(name) ?? '' };
    if (kind === 'process') return { ...track, unit, name: renaming.name('process', name) };
    if (kind === 'counter') {
      return { ...track, unit, id: scrubId(track, renaming), name: renaming.distinct('counter', name) };
    }
    const scope = kindOf(category);
    const isOfThread = category !== Category.task && category !== Category.region && threads.has(name);
    return {
      ...track,
      unit,
      id: scrubId(track, renaming),
      category: renaming.name('category', category),
      name: isOfThread ? threads.get(name)! : renaming.name(scope === 'code' ? 'thread' : scope, name),
    };
  });
}

const NUMBER = /^(?:0x[\da-f]+|\d+|overlap-\d+|)$/i;

/** Ids that are numbers say nothing; rows that a program names have the name in theirs, behind the number. */
function scrubId({ id, category }: Track, renaming: Renaming): string {
  if (NUMBER.test(id)) return id;
  const space = id.indexOf(' ');
  if (category === Category.timing && space > 0 && NUMBER.test(id.slice(0, space))) {
    return renaming.distinct(
      'id',
      id,
      () => `${id.slice(0, space)} ${renaming.name('timing', id.slice(space + 1))}`,
    );
  }
  return renaming.distinct('id', id);
}

/** What the recorder says of itself, without which times could not be laid beside others. */
const RECORDING_MEMBERS: ReadonlySet<string> = new Set(['version', 'clock', 'node', 'platform']);

function scrubMetadata(
  metadata: ReadonlyMap<string, string>,
  scrubbing: ArgumentScrubbing,
): ReadonlyMap<string, string> {
  const scrubbed = new Map<string, string>();
  for (const [name, text] of metadata) {
    if (scrubbing.isKept(name)) scrubbed.set(name, text);
    else if (name === MetadataName.recording) {
      const isKept = (member: string): boolean => RECORDING_MEMBERS.has(member) || scrubbing.isKept(member);
      scrubbed.set(name, scrubArguments(text, { ...scrubbing, isKept }));
    } else if (!scrubbing.values && !isPartFact(name)) scrubbed.set(name, scrubFact(text, scrubbing));
  }
  return scrubbed;
}

/** A fact may be any JSON. */
function scrubFact(text: string, scrubbing: ArgumentScrubbing): string {
  if (text.startsWith('{')) return scrubArguments(text, scrubbing) || '{}';
  return scrubbing.paths ? withoutDirectories(text) : text;
}
