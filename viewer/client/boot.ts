/**
 * The script of the page in the frame: starts the bundled Perfetto and gives it back what its build lacks, above all the
 * embedding protocol. Accepts messages from the page that frames it and from nobody else.
 */
import { drawOverview } from './overview.ts';
import { type Bundle, onCrash, startBundle } from './perfetto-bundle.ts';
import { hideEmptyRows, nameTracks } from './track-names.ts';
import { orderTracks } from './track-order.ts';

interface PerfettoMessage {
  readonly buffer?: ArrayBuffer;
  readonly title?: string;
  readonly timeStart?: number;
  readonly timeEnd?: number;
  readonly viewPercentage?: number;
}

const host = window.parent;

function report(state: 'loading' | 'ready' | 'failed', text: string): void {
  host.postMessage({ ttrace: { state, text } }, location.origin);
}

/** Resolves when the trace is loaded and its tracks are listed; rejects with the words of the engine or of the UI's crash. */
async function untilReady({ globals }: Bundle, crash: () => string): Promise<void> {
  for (;;) {
    if (crash() !== '') throw new Error(crash());
    const [engine] = Object.values(globals.state.engines);
    if (engine?.failed) throw new Error(engine.failed);
    if (engine?.ready) return;
    report('loading', globals.state.status.msg || 'Loading…');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function explained(message: string): string {
  if (/memory/i.test(message)) {
    return 'It does not fit into the memory that the browser gives it. Choose a shorter stretch, by from=…&to=… in the address.';
  }
  return message.split('\n', 1)[0]!.slice(0, 300);
}

async function openTrace(bundle: Bundle, buffer: ArrayBuffer, title: string): Promise<void> {
  const { globals, actions } = bundle;
  // A crash while loading leaves nothing to see; a later one is told by the UI itself.
  let crash = '';
  onCrash(bundle, (message) => {
    crash ||= message;
  });
  globals.overviewStore.clear();
  globals.dispatch(actions.openTraceFromBuffer!({ buffer, title, localOnly: true }));
  await untilReady(bundle, () => crash);
  await hideEmptyRows(bundle);
  countFromZero(bundle);
  // Else its last message stands in the place of the search box for a second.
  globals.dispatch(actions.updateStatus!({ msg: '', timestamp: 0 }));
}

/**
 * Makes the UI count times from the first event of the whole trace, as our addresses and pages do. By itself it counts
 * from 100 ns before the first event that was loaded, which in a stretch of a large trace is another moment.
 */
function countFromZero(bundle: Bundle): void {
  const { globals, actions } = bundle;
  const startSec = Number(document.body.dataset.zeroSeconds);
  const { endSec } = globals.state.traceTime;
  globals.dispatch(actions.setTraceTime!({ startSec, endSec }));
  const { start, end } = globals.frontendLocalState.visibleWindowTime;
  if (start < startSec && end > startSec) zoom(bundle, startSec, end, 1);
}

/** Shows `start`..`end` seconds of the trace's clock, which then fill `share` of the window. */
function zoom({ globals }: Bundle, start: number, end: number, share: number): void {
  const Span = globals.frontendLocalState.visibleWindowTime.constructor as new (
    a: number,
    b: number,
  ) => never;
  const margin = ((end - start) * (1 / share - 1)) / 2;
  globals.frontendLocalState.updateVisibleTime(new Span(start - margin, end + margin));
  globals.rafScheduler.scheduleFullRedraw();
}

function serve(bundle: Bundle): void {
  let opened: Promise<void> = Promise.resolve();
  addEventListener('message', (event: MessageEvent<unknown>) => {
    if (event.source !== host || event.origin !== location.origin) return;
    if (event.data === 'PING') {
      host.postMessage('PONG', location.origin);
      return;
    }
    const message = (event.data as { perfetto?: PerfettoMessage } | null)?.perfetto;
    if (message === undefined) return;
    const { buffer, title = 'trace', timeStart, timeEnd, viewPercentage = 1 } = message;
    if (buffer !== undefined) {
      opened = openTrace(bundle, buffer, title).then(
        () => report('ready', ''),
        (error: unknown) =>
          report('failed', explained(error instanceof Error ? error.message : String(error))),
      );
    }
    if (timeStart !== undefined && timeEnd !== undefined) {
      opened = opened.then(() => zoom(bundle, timeStart, timeEnd, viewPercentage));
    }
  });
}

startBundle('/ui/frontend_bundle.js').then(
  (bundle) => {
    nameTracks(bundle);
    orderTracks(bundle);
    drawOverview(bundle);
    serve(bundle);
  },
  (error: unknown) => report('failed', String(error)),
);
