/** What the timeline page shows for a trace that is too large for one view: its stretches, and a form for any other. */
import type { Child } from 'hono/jsx';
import type { Navigation } from '../navigation.ts';
import type { Piece } from '../pieces.ts';
import { formatCount, formatTime, timeInUrl } from '../time-text.ts';
import { Layout } from './layout.tsx';

/** What the page is rendered from. */
export interface PiecesProps {
  readonly title: string;
  readonly events: number;
  readonly maxEvents: number;
  readonly duration: number;
  readonly pieces: readonly Piece[];
  /** Why the stretch that was asked for is not shown, or ''. */
  readonly refusal: string;
  readonly nav: Navigation;
}

/** Renders the choice of stretches. */
export function Pieces(props: PiecesProps): Child {
  const densest = props.pieces.reduce((most, piece) => Math.max(most, piece.events), 1);
  return (
    <Layout title={`${props.title} · choose a stretch`} nav={props.nav}>
      <header class="top">
        <h1>{props.title}</h1>
        <p class="sub">
          {formatCount(props.events)} events are more than one timeline holds ({formatCount(props.maxEvents)}
          ). Choose a stretch.
        </p>
      </header>
      <main>
        {props.refusal !== '' && (
          <ul class="warnings" role="alert">
            <li>{props.refusal}</li>
          </ul>
        )}
        <form class="stretch" action="/timeline" method="get">
          <label>
            From <input name="from" required value="0ms" />
          </label>
          <label>
            to <input name="to" required value={`${timeInUrl(props.duration)}s`} />
          </label>
          <button type="submit">Show</button>
          <span class="hint">since the first event, such as 1.5s, 300ms or 20us</span>
        </form>
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col">For</th>
                <th scope="col">Events</th>
                <th scope="col">Share</th>
                <th scope="col">
                  <span class="unseen">Timeline</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {props.pieces.map((piece) => (
                <tr>
                  <th scope="row">{formatTime(piece.from)}</th>
                  <td>{formatTime(piece.to - piece.from)}</td>
                  <td>{formatCount(piece.events)}</td>
                  <td>
                    <meter min={0} max={densest} value={piece.events} />
                  </td>
                  <td>
                    <a href={`/timeline?from=${timeInUrl(piece.from)}&to=${timeInUrl(piece.to)}`}>show</a>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </main>
    </Layout>
  );
}
