/** What an address gets whose query means nothing: what is wrong with it, and the way to the whole table. */
import type { Child } from 'hono/jsx';
import type { Navigation } from '../navigation.ts';
import { Layout } from './layout.tsx';

interface BadQueryProps {
  readonly id: string;
  readonly complaints: readonly string[];
  readonly nav: Navigation;
}

/** Renders the complaints, which are sentences. */
export function BadQuery({ id, complaints, nav }: BadQueryProps): Child {
  return (
    <Layout title={`${id} · not shown · ttrace`} nav={nav}>
      <main>
        <h1>Not shown</h1>
        <ul class="warnings" role="alert">
          {complaints.map((complaint) => (
            <li>{complaint}</li>
          ))}
        </ul>
        <p>
          <a href={`/${id}`}>Show all of {id}</a>
        </p>
      </main>
    </Layout>
  );
}
