/** What a request that may not be answered gets: one plain sentence on what to do. No style sheet: those are refused too. */
import type { Child } from 'hono/jsx';

const WHAT_TO_DO: Readonly<Record<string, string>> = {
  token:
    'This address needs the key that the ttrace command printed: open the whole link from the terminal, the part after “token=” included. If you did, allow cookies for this address.',
  host: 'This viewer answers only under the address that the ttrace command printed. Open that link.',
  origin:
    'This viewer answers only its own pages, not other sites. Open the link that the ttrace command printed.',
  method: 'This viewer only shows things: it answers GET and HEAD.',
  path: 'There is no such page.',
};

/** Renders the refusal for a reason that the guard gave. */
export function Refused({ reason }: { readonly reason: string }): Child {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Not shown · ttrace</title>
      </head>
      <body>
        <h1>Not shown</h1>
        <p>{WHAT_TO_DO[reason]}</p>
      </body>
    </html>
  );
}

/**
 * The stop between a link on another site and the page it leads to. A browser sends our cookie only when one of our own
 * pages asks for the next, so this page does.
 */
export function Entering({ location }: { readonly location: string }): Child {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="color-scheme" content="light dark" />
        <meta http-equiv="refresh" content={`0; url=${location}`} />
        <title>ttrace</title>
      </head>
      <body>
        <p>
          <a href={location}>Continue to the trace</a>
        </p>
      </body>
    </html>
  );
}
