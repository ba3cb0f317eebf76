/**
 * The host page of the timeline: a thin bar over an iframe that holds a Perfetto UI. All it tells its script stands in
 * data attributes, so that no script has to be generated.
 */
import type { Child } from 'hono/jsx';

/** What the host page is rendered from. */
export interface TimelineProps {
  readonly title: string;
  readonly fileName: string;
  /** Where the page fetches the trace. */
  readonly traceUrl: string;
  /** Where the iframe goes, and the origin that answers there. */
  readonly uiUrl: string;
  readonly uiOrigin: string;
  /** The stretch to show, in seconds of Perfetto's own time. */
  readonly zoom: { readonly start: number; readonly end: number } | undefined;
  /** What the bar says about the stretch that is loaded, or ''. */
  readonly note: string;
  /** The way back to the choice of stretches. */
  readonly inPieces: boolean;
}

const ELSEWHERE =
  'Opens ui.perfetto.dev in a new tab and hands it the trace inside this browser. Nothing is uploaded.';

/** Renders the host page. */
export function Timeline(props: TimelineProps): Child {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`${props.title} · timeline`}</title>
        <link rel="icon" href="/assets/icon.svg" />
        <link rel="stylesheet" href="/assets/timeline.css" />
        <script type="module" src="/client/timeline.js" />
      </head>
      <body
        data-title={props.title}
        data-file-name={props.fileName}
        data-trace-url={props.traceUrl}
        data-ui-origin={props.uiOrigin}
        data-zoom={props.zoom === undefined ? '' : `${props.zoom.start} ${props.zoom.end}`}
      >
        <header>
          <a class="home" href="/" title="What this trace holds">
            <span class="mark" aria-hidden="true" /> ttrace
          </a>
          <h1 title={props.title}>{props.title}</h1>
          {props.note !== '' && <span class="note">{props.note}</span>}
          {props.inPieces && <a href="/timeline">other stretches</a>}
          <span id="elsewhere-status" role="status" />
          <button id="elsewhere" type="button" title={ELSEWHERE}>
            Open in ui.perfetto.dev
          </button>
        </header>
        <main>
          <iframe id="ui" src={props.uiUrl} title="Timeline, shown by Perfetto" allow="clipboard-write" />
          <div id="status">
            <p id="status-text" role="status">
              Starting…
            </p>
            <noscript>
              <p>The timeline is drawn by JavaScript, which this browser has turned off.</p>
            </noscript>
          </div>
        </main>
      </body>
    </html>
  );
}
