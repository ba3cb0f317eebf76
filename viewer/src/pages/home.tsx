/** The home page: what the trace holds, how much of it is missing, the way to the timeline, and what to look for there. */
import type { Child } from 'hono/jsx';
import { formatCount, formatTime } from '../time-text.ts';
import { timelinePath } from '../timeline-path.ts';
import type { ProcessFacts, TraceFacts, TrackFacts } from '../trace-facts.ts';
import { Guide } from './guide.tsx';
import { Layout } from './layout.tsx';

/** What the home page is rendered from. */
export interface HomeProps {
  readonly title: string;
  readonly fileName: string;
  readonly facts: TraceFacts;
  /** Sentences on what is missing or was not understood; the first of them matter most. */
  readonly warnings: readonly string[];
  /** True when the timeline shows one stretch of the trace at a time. */
  readonly inPieces: boolean;
}

/** Renders the home page. */
export function Home({ title, fileName, facts, warnings, inPieces }: HomeProps): Child {
  return (
    <Layout title={`${title} · ttrace`}>
      <header class="top">
        <p class="brand">
          <span class="mark" aria-hidden="true" /> ttrace
        </p>
        <h1>{title}</h1>
        <p class="sub">{describe(title, fileName, facts)}</p>
        <a class="button" href="/timeline">
          {inPieces ? 'Choose a stretch of the timeline' : 'Open the timeline'}
        </a>
      </header>
      <main>
        {warnings.length > 0 && (
          <ul class="warnings" role="alert">
            {warnings.map((warning) => (
              <li>{warning}</li>
            ))}
          </ul>
        )}
        <Figures facts={facts} />
        {facts.processes.map((process) => (
          <ProcessSection process={process} />
        ))}
        <Guide />
      </main>
    </Layout>
  );
}

function describe(title: string, fileName: string, { recording }: TraceFacts): string {
  const parts = title === fileName ? [] : [fileName];
  if (recording.startedMillis !== undefined) {
    parts.push(
      `recorded ${new Date(recording.startedMillis).toISOString().replace('T', ' ').slice(0, 19)} UTC`,
    );
  }
  if (recording.node !== undefined) parts.push(`Node.js ${recording.node.replace(/^v/, '')}`);
  if (recording.platform !== undefined) parts.push(recording.platform);
  return parts.join(' · ');
}

function Figures({ facts }: { facts: TraceFacts }): Child {
  const figures: [string, string][] = [
    ['Duration', formatTime(facts.duration)],
    ['Events', formatCount(facts.events)],
    ['Threads', formatCount(facts.threads)],
    ['Tasks, async', formatCount(facts.operations)],
    ['Dropped events', formatCount(facts.dropped)],
  ];
  return (
    <dl class="figures">
      {figures.map(([label, value]) => (
        <div>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function ProcessSection({ process }: { process: ProcessFacts }): Child {
  return (
    <section>
      <h2>
        {process.name === '' ? 'Process' : process.name} <small>pid {process.pid}</small>
      </h2>
      <TrackTable heading="Thread" tracks={process.threads} count={false} />
      <TrackTable heading="Task or async operation" tracks={process.operations} count={true} />
      <TrackTable heading="Counter" tracks={process.counters} count={false} />
    </section>
  );
}

interface TrackTableProps {
  readonly heading: string;
  readonly tracks: readonly TrackFacts[];
  /** Whether a row stands for several tracks, whose number is shown. */
  readonly count: boolean;
}

/** Longer tables than this help nobody on a home page. */
const MAX_ROWS = 200;

function TrackTable({ heading, tracks, count }: TrackTableProps): Child {
  if (tracks.length === 0) return null;
  const isCounter = tracks[0]!.kind === 'counter';
  const showDropped = tracks.some((track) => track.dropped > 0);
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">{heading}</th>
            {count && <th scope="col">Count</th>}
            <th scope="col">{isCounter ? 'Samples' : 'Events'}</th>
            {showDropped && <th scope="col">Dropped</th>}
            <th scope="col" class="wide">
              Active from
            </th>
            <th scope="col" class="wide">
              For
            </th>
            <th scope="col">
              <span class="unseen">Timeline</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tracks.slice(0, MAX_ROWS).map((track) => (
            <TrackRow track={track} count={count} showDropped={showDropped} />
          ))}
        </tbody>
      </table>
      {tracks.length > MAX_ROWS && (
        <p class="more">and {formatCount(tracks.length - MAX_ROWS)} more, all of them in the timeline</p>
      )}
    </div>
  );
}

function TrackRow(props: { track: TrackFacts; count: boolean; showDropped: boolean }): Child {
  const { track } = props;
  const hasEvents = track.events > 0;
  return (
    <tr>
      <th scope="row">
        {track.name} {track.tid !== 0 && <small>tid {track.tid}</small>}
      </th>
      {props.count && <td>{formatCount(track.tracks)}</td>}
      <td>{formatCount(track.events)}</td>
      {props.showDropped && <td>{formatCount(track.dropped)}</td>}
      <td class="wide">{hasEvents ? formatTime(track.first) : 'never'}</td>
      <td class="wide">{hasEvents ? formatTime(track.last - track.first) : ''}</td>
      <td>
        {hasEvents && track.last > track.first && (
          <a href={timelinePath({ start: track.first, end: track.last })} aria-label={`Show ${track.name}`}>
            show
          </a>
        )}
      </td>
    </tr>
  );
}
