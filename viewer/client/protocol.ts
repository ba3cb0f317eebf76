/**
 * Perfetto's embedding protocol, the host's side of it: ping a window until it answers, then post a trace, then a zoom.
 * https://perfetto.dev/docs/visualization/embedding-the-ui
 */

/** A trace as the protocol carries it. */
export interface PostedTrace {
  readonly buffer: ArrayBuffer;
  readonly title: string;
  readonly fileName: string;
}

/** A stretch of the trace in seconds of its own clock. */
export interface Zoom {
  readonly start: number;
  readonly end: number;
}

const PING_EVERY_MS = 100;

/**
 * Pings `target` until it answers from `origin`; rejects after `timeoutMs`.
 *
 * The ping goes to any origin, as it says nothing and a window that still loads has another one.
 */
export function untilAnswered(target: Window, origin: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearInterval(pinging);
      clearTimeout(giveUp);
      removeEventListener('message', listen);
      settle();
    };
    const listen = (event: MessageEvent<unknown>) => {
      if (event.source === target && event.origin === origin && event.data === 'PONG') finish(resolve);
    };
    const pinging = setInterval(() => target.postMessage('PING', '*'), PING_EVERY_MS);
    const giveUp = setTimeout(() => finish(() => reject(new Error('no answer'))), timeoutMs);
    addEventListener('message', listen);
  });
}

/** Hands a trace over. The buffer is transferred: the caller no longer has it. */
export function postTrace(target: Window, origin: string, trace: PostedTrace): void {
  target.postMessage({ perfetto: { ...trace, keepApiOpen: true } }, origin, [trace.buffer]);
}

/** Scrolls and zooms so that exactly this stretch fills the window. */
export function postZoom(target: Window, origin: string, { start, end }: Zoom): void {
  target.postMessage({ perfetto: { timeStart: start, timeEnd: end, viewPercentage: 1 } }, origin);
}
