/** What the timeline page says of a trace, or a stretch of one, that has no extent in time. */
import type { Child } from 'hono/jsx';
import type { Navigation } from '../navigation.ts';
import { Layout } from './layout.tsx';

interface NothingToDrawProps {
  readonly title: string;
  readonly reason: string;
  readonly nav: Navigation;
}

/** Renders the page for a reason, a sentence. */
export function NothingToDraw(props: NothingToDrawProps): Child {
  return (
    <Layout title={`${props.title} · timeline`} nav={props.nav}>
      <header class="top">
        <h1>{props.title}</h1>
        <p class="sub">{props.reason}</p>
        <a class="button" href="/">
          Back
        </a>
      </header>
    </Layout>
  );
}
