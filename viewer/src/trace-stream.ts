/**
 * A trace as Perfetto protobuf, encoded while it is sent: a piece at a time as the reader asks for more, so that neither the
 * file nor the event loop is ever taken whole.
 */
import { createPerfettoWriter, type Trace, writeTraceSteps } from '@ttrace/format';
import { pickRows, rowsWithin } from './pieces.ts';
import type { TimeSpan } from './timeline-path.ts';

/**
 * The protobuf of a trace, or of the events that overlap a stretch of it.
 * @param first Time of the trace's first event, in its columns' nanoseconds.
 * @param shift Nanoseconds at which the first event is put. The UI calculates in double seconds and stumbles over time 0.
 * @param span Nanoseconds since the first event; undefined = all.
 */
export function traceStream(
  whole: Trace,
  first: number,
  shift: number,
  span: TimeSpan | undefined,
): ReadableStream<Uint8Array> {
  const trace =
    span === undefined ? whole : pickRows(whole, rowsWithin(whole, first + span.start, first + span.end));
  const chunks: Uint8Array[] = [];
  // The writer uses its buffer again.
  const writer = createPerfettoWriter({ sink: (bytes) => chunks.push(bytes.slice()) });
  const steps = writeTraceSteps(trace, writer, { shift: shift - first, uniqueThreadIds: true });
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      while (chunks.length === 0) {
        if (steps.next().done === true && chunks.length === 0) {
          controller.close();
          return;
        }
        // Others are answered between two steps.
        await new Promise((resolve) => setImmediate(resolve));
      }
      controller.enqueue(chunks.shift() as Uint8Array);
    },
    cancel() {
      steps.return(0);
    },
  });
}
