/**
 * The button that shows the trace in the hosted Perfetto: a new tab, the same protocol, the bytes go from tab to tab. The
 * one place from which a page reaches beyond this machine, and only for the UI's own files.
 */
import { download } from './download.ts';
import { postTrace, untilAnswered } from './protocol.ts';

const HOSTED_ORIGIN = 'https://ui.perfetto.dev';
/** Longer than for the frame: the tab may load over a slow network. */
const HOSTED_TIMEOUT_MS = 60_000;

/** What the button hands over. */
export interface Offer {
  readonly title: string;
  readonly fileName: string;
  readonly traceUrl: string;
}

/** Makes the button work. */
export function offerElsewhere(offer: Offer): void {
  const button = document.querySelector<HTMLButtonElement>('#elsewhere')!;
  const status = document.querySelector<HTMLElement>('#elsewhere-status')!;
  button.addEventListener('click', () => {
    // Before anything asynchronous, or the popup blocker takes it for an unasked window.
    const tab = open(HOSTED_ORIGIN);
    if (tab === null) {
      status.textContent = 'The browser blocked the new tab.';
      return;
    }
    button.disabled = true;
    status.textContent = 'Waiting for ui.perfetto.dev…';
    hand(tab, offer)
      .then(
        () => '',
        () => 'ui.perfetto.dev does not answer.',
      )
      .then((outcome) => {
        status.textContent = outcome;
        button.disabled = false;
      });
  });
}

async function hand(tab: Window, { title, fileName, traceUrl }: Offer): Promise<void> {
  const [buffer] = await Promise.all([
    download(traceUrl, () => {}),
    untilAnswered(tab, HOSTED_ORIGIN, HOSTED_TIMEOUT_MS),
  ]);
  postTrace(tab, HOSTED_ORIGIN, { buffer, title, fileName });
}
