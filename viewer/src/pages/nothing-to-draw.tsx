/** What the timeline page says of a trace, or a stretch of one, that has no extent in time. */
import type { Child } from 'hono/jsx';
import { Layout } from './layout.tsx';

/** Renders the page for a reason, a sentence. */
export function NothingToDraw(props: { readonly title: string; readonly reason: string }): Child {
  return (
    <Layout title={`${props.title} · timeline`}>
      <header class="top">
        <p class="brand">
          <a href="/">
            <span class="mark" aria-hidden="true" /> ttrace
          </a>
        </p>
        <h1>{props.title}</h1>
        <p class="sub">{props.reason}</p>
        <a class="button" href="/">
          Back
        </a>
      </header>
    </Layout>
  );
}
