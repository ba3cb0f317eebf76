/** The frame of every page that is text and tables: head, style sheet, links to all pages, footer. Rendered on the server. */
import type { Child } from 'hono/jsx';
import { SERVER_LINKS } from '../links.ts';
import type { Navigation } from '../navigation.ts';

interface LayoutProps {
  readonly title: string;
  /** Links to all pages; without it only the way home. */
  readonly nav?: Navigation | undefined;
  /** Whether more is to be seen in a moment. */
  readonly reloads?: boolean;
  /** Address of a script that adds to a page what it can do without. */
  readonly script?: string | undefined;
  /** What else stands in the head: style sheets and scripts of this page alone. */
  readonly head?: Child;
  readonly children?: Child;
}

/** A whole document around a page's content. */
export function Layout({ title, nav, reloads = false, script, head, children }: LayoutProps): Child {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {reloads && <meta http-equiv="refresh" content="2" />}
        <title>{title}</title>
        <link rel="icon" href="/assets/icon.svg" />
        <link rel="stylesheet" href="/assets/page.css" />
        {script !== undefined && <script type="module" src={script} />}
        {head}
      </head>
      <body>
        <a class="skip" href="#content">
          Skip to the content
        </a>
        <nav class="pages" aria-label="Pages">
          <a class="brand" href="/">
            <span class="mark" aria-hidden="true" /> ttrace
          </a>
          {nav?.entries.map(({ id, label, summary }) => (
            <a
              href={SERVER_LINKS.page(id)}
              title={summary}
              aria-current={id === nav.current ? 'page' : undefined}
            >
              {label}
            </a>
          ))}
        </nav>
        <div id="content" tabindex={-1}>
          {children}
        </div>
        <Footer />
      </body>
    </html>
  );
}

/** What ends every page. */
function Footer(): Child {
  return (
    <footer>
      Everything on this page comes from this machine. The timeline is{' '}
      <a href="https://perfetto.dev" rel="noreferrer">
        Perfetto
      </a>{' '}
      (Apache-2.0), shipped with ttrace.
    </footer>
  );
}
