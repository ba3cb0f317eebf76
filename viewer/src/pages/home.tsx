/** The home page: what the trace holds, how much of it is missing, the way to the timeline, and what to look for there. */
import { counted, type Finding } from '@ttrace/analysis';
import type { Child } from 'hono/jsx';
import { type Links, SERVER_LINKS } from '../links.ts';
import type { Navigation } from '../navigation.ts';
import { formatCount, formatTime } from '../time-text.ts';
import type { ProcessFacts, TraceFacts, TrackFacts } from '../trace-facts.ts';
import { Guide } from './guide.tsx';
import { Insights } from './insights.tsx';
import { Layout } from './layout.tsx';

/** What the home page is rendered from. */
export interface HomeProps {
  readonly title: string;
  readonly fileName: string;
  readonly facts: TraceFacts;
  /** The worst first. */
  /** Undefined while they are being looked for. */
  readonly findings: readonly Finding[] | undefined;
  /** Sentences on what is missing or was not understood; the first of them matter most. */
  readonly warnings: readonly string[];
  /** True when the timeline shows one stretch of the trace at a time. */
  readonly inPieces: boolean;
  readonly nav: Navigation;
}

/** Renders the home page. */
export function Home(props: HomeProps): Child {
  const { title, fileName, facts, inPieces, nav } = props;
  return (
    <Layout title={`${title} · ttrace`} nav={nav} reloads={props.findings === undefined}>
      <header class="top">
        <h1>{title}</h1>
        <p class="sub">{describe(title, fileName, facts)}</p>
        <a class="button" href="/timeline">
          {inPieces ? 'Choose a stretch of the timeline' : 'Open the timeline'}
        </a>
      </header>
      <main>
        <HomeContent {...props} links={SERVER_LINKS} />
        <Guide />
      </main>
    </Layout>
  );
}

/** What a trace holds and which pages it has. */
export function HomeContent(props: HomeProps & { readonly links: Links }): Child {
  const { facts, findings, warnings, nav, links } = props;
  return (
    <>
      {warnings.length > 0 && (
        <ul class="warnings" role="alert">
          {warnings.map((warning) => (
            <li>{warning}</li>
          ))}
        </ul>
      )}
      <Figures facts={facts} />
      <Insights findings={findings} links={links} />
      <Questions nav={nav} links={links} />
      {facts.processes.map((process) => (
        <ProcessSection process={process} links={links} />
      ))}
    </>
  );
}

/** The pages that there are, with what each answers. */
function Questions({ nav, links }: { nav: Navigation; links: Links }): Child {
  const pages = nav.entries.filter(({ id }) => id !== '' && id !== 'timeline');
  if (pages.length === 0) return null;
  return (
    <section>
      <h2>What this trace can tell</h2>
      <div class="cards">
        {pages.map(({ id, label, summary, rows }) => (
          <article>
            <h3>
              <a href={links.page(id)}>{label}</a>{' '}
              {rows !== undefined && <small>{counted(rows, 'row')}</small>}
            </h3>
            <p>{summary}</p>
          </article>
        ))}
      </div>
    </section>
  );
}

/** Where and when the trace was recorded. */
export function describe(title: string, fileName: string, { recording }: TraceFacts): string {
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

function ProcessSection({ process, links }: { process: ProcessFacts; links: Links }): Child {
  return (
    <section>
      <h2>
        {process.name === '' ? 'Process' : process.name} <small>pid {process.pid}</small>
      </h2>
      <TrackTable heading="Thread" tracks={process.threads} count={false} links={links} />
      <TrackTable heading="Task or async operation" tracks={process.operations} count={true} links={links} />
      {process.counters.length > 0 && (
        <details>
          <summary>
            {process.counters.length === 1 ? '1 counter' : `${process.counters.length} counters`}
          </summary>
          <TrackTable heading="Counter" tracks={process.counters} count={false} links={links} />
        </details>
      )}
    </section>
  );
}

interface TrackTableProps {
  readonly heading: string;
  readonly tracks: readonly TrackFacts[];
  /** Whether a row stands for several tracks, whose number is shown. */
  readonly count: boolean;
  readonly links: Links;
}

/** Longer tables than this help nobody on a home page. */
const MAX_ROWS = 200;

function TrackTable({ heading, tracks, count, links }: TrackTableProps): Child {
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
            <TrackRow track={track} count={count} showDropped={showDropped} links={links} />
          ))}
        </tbody>
      </table>
      {tracks.length > MAX_ROWS && (
        <p class="more">and {formatCount(tracks.length - MAX_ROWS)} more, all of them in the timeline</p>
      )}
    </div>
  );
}

interface TrackRowProps {
  readonly track: TrackFacts;
  readonly count: boolean;
  readonly showDropped: boolean;
  readonly links: Links;
}

function TrackRow(props: TrackRowProps): Child {
  const { track, links } = props;
  const hasEvents = track.events > 0;
  const href = track.last > track.first ? links.timeline({ start: track.first, end: track.last }) : undefined;
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
        {href !== undefined && (
          <a href={href} aria-label={`Show ${track.name}`}>
            show
          </a>
        )}
      </td>
    </tr>
  );
}
