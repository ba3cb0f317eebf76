/**
 * The script of the host page: fetches the trace, hands it to whichever Perfetto UI stands in the frame, zooms, and says
 * what is going on until the UI does so itself. Speaks the embedding protocol only; reads `data-` attributes of the body.
 */
import { download } from './download.ts';
import { offerElsewhere } from './elsewhere.ts';
import { startHeartbeat } from './heartbeat.ts';
import { postTrace, postZoom, untilAnswered, type Zoom } from './protocol.ts';

const UI_TIMEOUT_MS = 15_000;
/** How long the overlay waits for word from a UI that reports its loading; others are shown at once. */
const REPORT_WITHIN_MS = 700;

const { title = '', fileName = '', traceUrl = '', uiOrigin = '', zoom = '' } = document.body.dataset;
const frame = document.querySelector<HTMLIFrameElement>('#ui')!;
const overlay = document.querySelector<HTMLElement>('#status')!;
const text = document.querySelector<HTMLElement>('#status-text')!;

function say(message: string): void {
  text.textContent = message;
  overlay.hidden = false;
}

function fail(error: unknown, meaning: string): void {
  overlay.classList.add('failed');
  const detail = error instanceof Error ? error.message : String(error);
  say(detail === '' || meaning.endsWith(detail) ? meaning : `${meaning} ${detail}`);
}

function parseZoom(value: string): Zoom | undefined {
  const [start, end] = value.split(' ').map(Number);
  return start !== undefined && end !== undefined ? { start, end } : undefined;
}

function asMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Tells the viewer, which may serve one reader only, whether this one still has to fetch something. */
function tellViewer(progress: 'loading' | 'shown'): void {
  fetch(`/${progress}`).catch(() => {});
}

/** Follows the bundled UI's reports (`{ttrace: {state, text}}`), an addition to the protocol that other UIs lack. */
function followReports(ui: Window): { heard: () => boolean } {
  let heard = false;
  addEventListener('message', (event: MessageEvent<unknown>) => {
    if (event.source !== ui || event.origin !== uiOrigin) return;
    const report = (event.data as { ttrace?: { state: string; text: string } } | null)?.ttrace;
    if (report === undefined) return;
    if (report.state === 'ready' || report.state === 'failed') tellViewer('shown');
    else if (!heard) tellViewer('loading');
    heard = true;
    if (report.state === 'failed') fail('', `The timeline could not show this trace. ${report.text}`);
    else if (report.state === 'ready') overlay.hidden = true;
    else say(report.text);
  });
  return { heard: () => heard };
}

async function show(): Promise<void> {
  const ui = frame.contentWindow!;
  const reports = followReports(ui);
  say('Converting the trace…');
  const [buffer] = await Promise.all([
    download(traceUrl, (bytes) => say(`Converting the trace… ${asMegabytes(bytes)}`)),
    untilAnswered(ui, uiOrigin, UI_TIMEOUT_MS).catch(() => {
      throw new Error('The Perfetto UI does not answer. Reload the page, or try another browser.');
    }),
  ]);
  say(`Loading ${asMegabytes(buffer.byteLength)} into Perfetto…`);
  postTrace(ui, uiOrigin, { buffer, title, fileName });
  const wanted = parseZoom(zoom);
  if (wanted !== undefined) postZoom(ui, uiOrigin, wanted);
  setTimeout(() => {
    if (!reports.heard()) overlay.hidden = true;
  }, REPORT_WITHIN_MS);
}

startHeartbeat();
offerElsewhere({ title, fileName, traceUrl });
show().catch((error: unknown) => fail(error, 'The timeline could not be shown.'));
