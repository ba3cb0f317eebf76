/** The page in the iframe: the two elements that the bundled Perfetto UI looks for, and the script that starts and tends it. */
import type { Child } from 'hono/jsx';

/**
 * Renders the boot page. `client/perfetto-bundle.ts` explains the odd text of the data source.
 *
 * @param zeroSeconds the moment on the trace's clock that the UI counts from.
 */
export function Boot({ zeroSeconds }: { readonly zeroSeconds: number }): Child {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>Timeline</title>
        <link rel="icon" href="/assets/icon.svg" />
        <link rel="stylesheet" href="/assets/boot.css" />
        <script type="module" src="/client/boot.js" />
      </head>
      <body data-zero-seconds={zeroSeconds}>
        <div id="timeline_data_source" hidden>
          ttrace:none
        </div>
        <main id="timeline_main" />
        <canvas id="overview" hidden />
        <p id="window-times" hidden />
      </body>
    </html>
  );
}
