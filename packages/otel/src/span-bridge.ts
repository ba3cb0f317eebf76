/**
 * Makes spans of OpenTelemetry out of tasks and regions while they are recorded.
 *
 * It is told in the thread where they happen, when they begin and when they end. The alternative, to make spans of what the collector
 * reads, would not cost these threads anything, but would come too late: a span's id must be there when the first span is begun in
 * it, and only the thread itself knows which span is active. While no bridge runs a region costs nothing for it (`plain` in the SDK's
 * thread-recorder.ts). No setter of the API is called: what is registered there, and when, is the program's.
 */
import { type Tracer, trace } from '@opentelemetry/api';
import { TraceUsageError } from '@ttrace/sdk';
import { callObserver, observeCalls } from '@ttrace/sdk/spans';
import { ActiveContext } from './active-context.ts';
import { createSpanMaker } from './span-maker.ts';

/** What becomes spans, and whose. */
export interface SpanBridgeOptions {
  /** Makes the spans. Default: `trace.getTracer('ttrace')` of the API, whichever provider is registered there. */
  readonly tracer?: Tracer;
  /** Whether tasks become spans. Default true. */
  readonly tasks?: boolean;
  /** Whether regions become spans. Default true. */
  readonly regions?: boolean;
}

/** A bridge that runs. `using bridge = startSpanBridge()` stops it with its block. */
export interface SpanBridge extends Disposable {
  /** Ends the spans of tasks that are open; later calls are ignored. */
  stop(): void;
}

/**
 * Begins to make spans of the tasks and regions of this thread, as long as something is recorded: a trace or the flight recorder. Each
 * thread whose tasks are to become spans starts its own, with its own SDK.
 * @throws TraceUsageError `already-started`
 */
export function startSpanBridge(options: SpanBridgeOptions = {}): SpanBridge {
  if (callObserver() !== undefined) {
    throw new TraceUsageError('already-started', 'a span bridge runs in this thread: stop that first');
  }
  const { tracer = trace.getTracer('ttrace'), tasks = true, regions = true } = options;
  const active = new ActiveContext();
  const observer = createSpanMaker(tracer, active, tasks, regions);
  observeCalls(observer);
  const stop = (): void => {
    if (callObserver() !== observer) return;
    observeCalls(undefined);
    for (const id of [...active.tasks.keys()]) observer.endTask(id);
  };
  return { stop, [Symbol.dispose]: stop };
}
