/**
 * The page of utilisation: how available event loops were in the worst window of each length, as a plot and as a table, the worst windows of
 * one length with what filled them, and a map of each thread's time. Complete without scripts but for the plot.
 */
import {
  causesText,
  type Heatmap,
  STOPS,
  type Stop,
  shareText,
  type Thread,
  timeText,
  UTILIZATION_HELP,
  type Utilization,
  type UtilizationPoint,
  type WorstWindow,
} from '@ttrace/analysis';
import type { Child } from 'hono/jsx';
import { FORM_MARK, filterEntries } from '../filter-query.ts';
import { SERVER_LINKS } from '../links.ts';
import type { Navigation } from '../navigation.ts';
import { formatTime } from '../time-text.ts';
import { printUtilizationQuery, type UtilizationQuery } from '../utilization-query.ts';
import { HeatmapFigure } from './heatmap.tsx';
import { Layout } from './layout.tsx';

/** What the page is rendered from. */
export interface UtilizationView {
  readonly query: UtilizationQuery;
  readonly utilization: Utilization;
  /** For the plot. */
  readonly curve: readonly UtilizationPoint[];
  /** For the table: round window lengths. */
  readonly rounds: readonly UtilizationPoint[];
  /** Of the query's window length, where it has one. */
  readonly worst: readonly WorstWindow[] | undefined;
  readonly heatmap: Heatmap;
  /** All threads that can be asked for. */
  readonly threads: readonly Thread[];
}

interface UtilizationPageProps {
  /** What the trace is called. */
  readonly title: string;
  readonly view: UtilizationView;
  readonly nav: Navigation;
}

const HEADING = 'Event loop utilisation';

/** Renders the page. */
export function UtilizationPage({ title, view, nav }: UtilizationPageProps): Child {
  const only = filterEntries(view.query.filter).map(({ field, text }) => `${field.name} ${text}`);
  const isEmpty = view.utilization.duration === 0;
  return (
    <Layout title={[HEADING, ...only, title, 'ttrace'].join(' · ')} nav={nav} head={<Head />}>
      <main class="utilization">
        <h1>{HEADING}</h1>
        <p class="help">{UTILIZATION_HELP}</p>
        <ThreadChoice view={view} />
        <Choices query={view.query} />
        {isEmpty ? (
          <p class="nothing">
            No thread has any time in this trace, or in the part of it that was asked for.
          </p>
        ) : (
          <>
            <Plot view={view} />
            {view.worst !== undefined && <WorstWindows view={view} worst={view.worst} />}
            <RoundLengths view={view} />
            <h2 id="map">What each thread did</h2>
            <p class="help">
              A row a thread, from left to right the time of the trace, in each column what part of it the
              thread spent how. Every column leads to its stretch of the timeline; arrow keys move between
              them.
            </p>
            <HeatmapFigure heatmap={view.heatmap} links={SERVER_LINKS} />
          </>
        )}
      </main>
    </Layout>
  );
}

function Head(): Child {
  return (
    <>
      <link rel="stylesheet" href="/assets/utilization.css" />
      <link rel="stylesheet" href="/uplot/uPlot.min.css" />
      <script src="/uplot/uPlot.iife.min.js" defer />
      <script type="module" src="/client/utilization-plot.js" />
      <script type="module" src="/client/heatmap.js" />
    </>
  );
}

function address(query: UtilizationQuery, hash = ''): string {
  return `/utilization${printUtilizationQuery(query)}${hash}`;
}

function ThreadChoice({ view }: { readonly view: UtilizationView }): Child {
  const { query, threads, utilization } = view;
  const link = (thread: string | undefined, label: string, isCurrent: boolean): Child => (
    <li>
      <a
        href={address({ ...query, filter: { ...query.filter, thread } })}
        aria-current={isCurrent ? 'true' : undefined}
      >
        {label}
      </a>
    </li>
  );
  const only =
    query.filter.thread !== undefined && utilization.threads.length === 1
      ? utilization.threads[0]
      : undefined;
  return (
    <ul class="choices" aria-label="Threads">
      {link(undefined, 'all threads (mean)', query.filter.thread === undefined)}
      {threads.map((thread) => link(threadKey(thread, threads), thread.name, thread === only))}
    </ul>
  );
}

/** The name of a thread in an address: its own where that is enough. */
function threadKey({ name, pid, tid }: Thread, threads: readonly Thread[]): string {
  const isUnique = threads.filter((other) => other.name === name || String(other.tid) === name).length === 1;
  return isUnique ? name : `${pid}/${tid}`;
}

const STOP_LABELS: Readonly<Record<Stop, string>> = {
  blocks: 'blocks',
  gc: 'garbage collections',
  waits: 'waits that stop the thread',
  running: 'all other turns',
};

/** Boxes as a plain form. */
function Choices({ query }: { readonly query: UtilizationQuery }): Child {
  const { stops, showsPercentiles, windowNanos, filter } = query;
  const hidden = filterEntries(filter).map(({ field, text }) => [field.name, text] as const);
  return (
    <form class="boxes" action="/utilization" method="get">
      <input type="hidden" name={FORM_MARK} value="1" />
      {hidden.map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      {windowNanos !== undefined && <input type="hidden" name="window" value={`${windowNanos}ns`} />}
      <fieldset>
        <legend>What counts as a stop</legend>
        {STOPS.map((stop) => (
          <label>
            <input type="checkbox" name="count" value={stop} checked={stops.includes(stop)} />{' '}
            {STOP_LABELS[stop]}
          </label>
        ))}
      </fieldset>
      <label>
        <input type="checkbox" name="percentiles" value="1" checked={showsPercentiles} /> show percentiles
      </label>
      <button type="submit">Apply</button>
    </form>
  );
}

function Plot({ view }: { readonly view: UtilizationView }): Child {
  const { curve, query } = view;
  const series = (pick: (point: UtilizationPoint) => number) =>
    curve.map((point) => Number(pick(point).toFixed(5)));
  const percentiles = query.showsPercentiles
    ? [series(({ p999 }) => p999), series(({ p99 }) => p99), series(({ p95 }) => p95)]
    : [];
  const data = [series(({ windowNanos }) => windowNanos), series(({ minimum }) => minimum), ...percentiles];
  return (
    <>
      <h2 id="curve">By length of window</h2>
      <div
        id="plot"
        class="plot"
        data-points={JSON.stringify(data)}
        data-window={query.windowNanos ?? ''}
        role="img"
        aria-label="Utilisation of the worst window by its length; the table below has the same figures"
      />
      <p class="hint plot-hint">
        From left to right the length of the window, from bottom to top its utilisation. Click a point for the
        worst windows of that length.
      </p>
    </>
  );
}

function WorstWindows({
  view,
  worst,
}: {
  readonly view: UtilizationView;
  readonly worst: readonly WorstWindow[];
}): Child {
  const length = timeText(view.query.windowNanos!);
  const namesThreads = view.utilization.threads.length > 1;
  return (
    <section id="worst">
      <h2>Worst windows of {length}</h2>
      {worst.length === 0 ? (
        <p class="nothing">
          {view.query.windowNanos! > view.utilization.duration
            ? 'What was asked for is shorter than that.'
            : 'No window of this length holds a stop.'}
        </p>
      ) : (
        <>
          <p class="help">
            They do not overlap, and a single stop that is longer than the window is listed once. Each leads
            to its stretch of the timeline.
          </p>
          <section class="scroll" aria-label={`Worst windows of ${length}`} tabindex={0}>
            <table class="data">
              <thead>
                <tr>
                  <th scope="col">From</th>
                  <th scope="col">Utilisation</th>
                  <th class="text" scope="col">
                    Filled by
                  </th>
                </tr>
              </thead>
              <tbody>
                {worst.map(({ start, end, utilization, causes }) => (
                  <tr>
                    <th scope="row">
                      <a href={SERVER_LINKS.timeline({ start, end })}>{formatTime(start)}</a>
                    </th>
                    <td>{shareText(utilization)}</td>
                    <td class="text">{causesText(causes, namesThreads)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        </>
      )}
    </section>
  );
}

function RoundLengths({ view }: { readonly view: UtilizationView }): Child {
  const { rounds, query } = view;
  const cells = ({ minimum, p999, p99, p95 }: UtilizationPoint): readonly number[] =>
    query.showsPercentiles ? [minimum, p999, p99, p95] : [minimum];
  return (
    <section>
      <h2 id="lengths">In figures</h2>
      <p class="help">
        {query.showsPercentiles &&
          'The minimum is that of the worst window; 99.9, 99 and 95 % of all windows have what the other columns say, or more. '}
        Each length leads to its worst windows.
      </p>
      <section class="scroll" aria-label="Utilisation by length of window" tabindex={0}>
        <table class="data lengths">
          <thead>
            <tr>
              <th scope="col">Window</th>
              {['Minimum', 'p99.9', 'p99', 'p95'].slice(0, query.showsPercentiles ? 4 : 1).map((title) => (
                <th scope="col">{title}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rounds.map((point) => (
              <tr>
                <th scope="row">
                  <a href={address({ ...query, windowNanos: point.windowNanos }, '#worst')}>
                    {timeText(point.windowNanos)}
                  </a>
                </th>
                {cells(point).map((share) => (
                  <td>{shareText(share)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
