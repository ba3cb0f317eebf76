/** The address of the page of utilisation. */
import {
  DEFAULT_STOPS,
  indexOf,
  roundWindowLengths,
  type TraceIndex,
  type Utilization,
  utilizationCurve,
  utilizationHeatmap,
  utilizationOf,
  worstWindowsOf,
} from '@ttrace/analysis';
import type { Context, Env, Hono } from 'hono';
import type { Child } from 'hono/jsx';
import { FORM_MARK } from './filter-query.ts';
import { navigation } from './navigation.ts';
import { BadQuery } from './pages/bad-query.tsx';
import { UtilizationPage, type UtilizationView } from './pages/utilization.tsx';
import type { Subject } from './subject.ts';
import { parseUtilizationQuery, printUtilizationQuery, type UtilizationQuery } from './utilization-query.ts';

/** Name of the page. */
const PAGE = 'utilization';

/** Bins of the heat map: a few pixels each on a desk, one on a phone. */
const BINS = 120;

type SendPage<E extends Env> = (context: Context<E>, markup: Child, status?: 200 | 400) => Response;

/** Adds the route. A submitted form leads to the address that says the same in the fewest words. */
export function addUtilizationRoute<E extends Env>(
  app: Hono<E>,
  subject: Subject,
  sendPage: SendPage<E>,
): void {
  app.get(`/${PAGE}`, (context) => {
    const params = new URL(context.req.url).searchParams;
    const query = parseUtilizationQuery(params);
    const nav = navigation(subject, PAGE);
    if (params.has(FORM_MARK) && !('complaints' in query)) {
      return context.redirect(`/${PAGE}${printUtilizationQuery(query)}`, 302);
    }
    if ('complaints' in query) {
      return sendPage(context, <BadQuery id={PAGE} complaints={query.complaints} nav={nav} />, 400);
    }
    const index = indexOf(subject.trace);
    const isWhole = printUtilizationQuery(query) === '';
    const view = isWhole
      ? index.once(wholeUtilization)
      : utilizationView(index, query, utilizationOf(index, query.filter, query.stops));
    return sendPage(context, <UtilizationPage title={subject.title} view={view} nav={nav} />);
  });
}

const ALL_THREADS = (index: TraceIndex): Utilization => utilizationOf(index);

/** What the page shows without a query. */
function wholeUtilization(index: TraceIndex): UtilizationView {
  const query = { filter: {}, stops: DEFAULT_STOPS, showsPercentiles: false, windowNanos: undefined };
  return utilizationView(index, query, index.once(ALL_THREADS));
}

/** Makes that in steps, for in the largest traces it is seconds of work. */
export function* utilizationSteps(index: TraceIndex): Generator<void> {
  const utilization = index.once(ALL_THREADS);
  yield;
  curveOf(index, utilization);
  yield;
  index.once(wholeUtilization);
}

function utilizationView(
  index: TraceIndex,
  query: UtilizationQuery,
  utilization: Utilization,
): UtilizationView {
  const { filter, windowNanos } = query;
  return {
    query,
    utilization,
    curve: curveOf(index, utilization),
    rounds: utilizationCurve(index, utilization, roundWindowLengths(utilization.duration)),
    worst: windowNanos === undefined ? undefined : worstWindowsOf(index, utilization, windowNanos),
    heatmap: utilizationHeatmap(index, filter, BINS),
    threads: index.threads.filter(({ start, end }) => end > start),
  };
}

/** The curve that was asked for last: a click on it asks for the same one with a list of windows. */
const last = new WeakMap<
  TraceIndex,
  { readonly key: string; readonly curve: ReturnType<typeof utilizationCurve> }
>();

function curveOf(index: TraceIndex, utilization: Utilization): ReturnType<typeof utilizationCurve> {
  const { threads, stops, availability, duration } = utilization;
  const key = [stops, availability.times[0], duration, threads.map(({ track }) => track)].join(' ');
  const known = last.get(index);
  if (known?.key === key) return known.curve;
  const curve = utilizationCurve(index, utilization);
  last.set(index, { key, curve });
  return curve;
}
