/** Events as JSON for other programs: one object a line, with names in place of ids and units in the names of times. */
import { EventKind, type Trace, type Track } from '@ttrace/format';

const KINDS = ['slice', 'instant', 'counter', 'flowOut', 'flowStep', 'flowIn'] as const;

/** The lines of `ttrace dump --json`. A slice without an end has `durationNanos: null`. */
export function* eventObjects(trace: Trace): Generator<string, void, undefined> {
  const { columns, strings } = trace;
  const tracks = trace.tracks.map(trackObject);
  for (let row = 0; row < trace.length; row++) {
    const kind = columns.kind[row]!;
    const args = strings.text(columns.args[row]!);
    const head = {
      kind: KINDS[kind],
      startNanos: columns.start[row]!,
      ...valueObject(kind, columns.value[row]!),
      category: strings.text(columns.category[row]!),
      name: strings.text(columns.name[row]!),
      ...tracks[columns.track[row]!],
    };
    const text = JSON.stringify(head);
    // The arguments are JSON already.
    yield args === '' ? text : `${text.slice(0, -1)},"args":${args.replace(/[\r\n]+/g, ' ')}}`;
  }
}

function valueObject(kind: number, value: number): Record<string, number | null> {
  if (kind === EventKind.slice) return { durationNanos: value === -1 ? null : value };
  if (kind === EventKind.instant) return {};
  return kind === EventKind.counter ? { value } : { flow: value };
}

function trackObject({ kind, pid, tid, id, name }: Track): Record<string, string | number> {
  return {
    pid,
    ...(kind === 'thread' ? { tid } : {}),
    track: name,
    trackKind: kind,
    ...(id === '' ? {} : { id }),
  };
}
