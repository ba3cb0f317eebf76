/**
 * A trace as a stream of Perfetto protobuf, encoded only as fast as it is read: a reader that is slow, or gone, costs no
 * memory and no work, and between two steps the server answers others.
 */
import { setImmediate } from 'node:timers/promises';
import { indexOf, rowsOfTasks, type Task } from '@ttrace/analysis';
import {
  createPerfettoWriter,
  pickRows,
  rowsWhere,
  rowsWithin,
  type Trace,
  writeTraceSteps,
} from '@ttrace/format';
import type { TimeSpan } from './timeline-path.ts';

/**
 * Encodes a trace, or the events that overlap `span` (nanoseconds since the first event).
 *
 * @param task leaves only that task and all below it.
 * @param first time of the trace's first event, in nanoseconds since `Trace.origin`.
 * @param firstAt where that event lies on the clock of the stream, in nanoseconds; the same for every span.
 */
export function traceStream(
  trace: Trace,
  first: number,
  firstAt: number,
  span?: TimeSpan,
  task?: Task,
): ReadableStream<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let steps: Generator<number> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        steps ??= encode(partOf(trace, first, span, task), first, firstAt, (bytes) =>
          chunks.push(bytes.slice()),
        );
        while (chunks.length === 0) {
          if (steps.next().done === true) break;
          await setImmediate();
        }
        const chunk = chunks.shift();
        if (chunk !== undefined) controller.enqueue(chunk);
        else controller.close();
      },
      cancel() {
        steps?.return(0);
      },
    },
    { highWaterMark: 0 },
  );
}

function partOf(
  trace: Trace,
  first: number,
  span: TimeSpan | undefined,
  task: Task | undefined,
): () => Trace {
  return () => {
    const part =
      span === undefined ? trace : pickRows(trace, rowsWithin(trace, first + span.start, first + span.end));
    return task === undefined ? part : pickRows(part, rowsWhere(part, rowsOfTasks(indexOf(part), [task])));
  };
}

function* encode(
  part: () => Trace,
  first: number,
  firstAt: number,
  sink: (bytes: Uint8Array) => void,
): Generator<number> {
  const trace = part();
  yield 0;
  // Perfetto v20.1 goes by thread ids alone, hence unique ones.
  yield* writeTraceSteps(eventsOnly(trace), createPerfettoWriter({ sink }), {
    shift: firstAt - first,
    uniqueThreadIds: true,
  });
}

/** Facts about the recording are the home page's; as events of time 0 they would stretch the timeline. */
function eventsOnly(trace: Trace): Trace {
  return { ...trace, metadata: new Map(), tracks: trace.tracks.map((track) => ({ ...track, dropped: 0 })) };
}
