/** The frame of every page that is text and tables: head, style sheet, heading, footer. Rendered on the server. */
import type { Child } from 'hono/jsx';

interface LayoutProps {
  readonly title: string;
  readonly children?: Child;
}

/** A whole document around a page's content. */
export function Layout({ title, children }: LayoutProps): Child {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <link rel="icon" href="/assets/icon.svg" />
        <link rel="stylesheet" href="/assets/page.css" />
      </head>
      <body>
        {children}
        <footer>
          Everything on this page comes from this machine. The timeline is{' '}
          <a href="https://perfetto.dev" rel="noreferrer">
            Perfetto
          </a>{' '}
          (Apache-2.0), shipped with ttrace.
        </footer>
      </body>
    </html>
  );
}
