/**
 * What the page of utilisation shows, as the query of its address: thread and stretch under the names of the commands' options, what counts
 * as a stop, whether percentiles are shown, and a window length. Parsed and printed here alone, and `parse(print(x))` is x.
 */
import { DEFAULT_STOPS, type Filter, STOPS, type Stop } from '@ttrace/analysis';
import { parseTime } from '@ttrace/format';
import { FORM_MARK, parsePageQuery, printPageQuery, type QueryComplaints } from './filter-query.ts';
import { exactTime } from './time-text.ts';

export interface UtilizationQuery {
  /** From, to and thread. */
  readonly filter: Filter;
  /** In the order of `STOPS`, at least one. */
  readonly stops: readonly Stop[];
  readonly showsPercentiles: boolean;
  /** Length of the windows of which the worst are listed, in nanoseconds. */
  readonly windowNanos: number | undefined;
}

const OWN: readonly string[] = ['count', 'percentiles', 'window', FORM_MARK];
const SHARED: readonly string[] = ['from', 'to', 'thread'];

/** Reads a query. Stops may stand in one `count=blocks,gc` or, as a form sends them, in several; fields left empty are not given. */
export function parseUtilizationQuery(params: URLSearchParams): UtilizationQuery | QueryComplaints {
  const given = [...params].filter(([name, value]) => value !== '' || name === 'thread');
  const isForm = params.has(FORM_MARK);
  const shared = parsePageQuery(
    new URLSearchParams(given.filter(([name, value]) => !OWN.includes(name) && !(isForm && value === ''))),
  );
  const complaints = 'complaints' in shared ? [...shared.complaints] : [];
  for (const name of new Set(params.keys())) {
    if (OWN.includes(name) || SHARED.includes(name)) continue;
    complaints.push(`This page has nothing to do with ${JSON.stringify(name)}.`);
  }
  const words = given.filter(([name]) => name === 'count').flatMap(([, value]) => value.split(','));
  const unknown = words.find((word) => !STOPS.some((stop) => stop === word));
  if (unknown !== undefined) {
    complaints.push(`count is made of ${STOPS.join(', ')}, not ${JSON.stringify(unknown)}.`);
  }
  const windowText = given.find(([name]) => name === 'window')?.[1];
  const windowNanos = windowText === undefined ? undefined : parseTime(windowText);
  if (windowText !== undefined && !(windowNanos !== undefined && windowNanos > 0)) {
    complaints.push(`window takes a time such as 50ms, not ${JSON.stringify(windowText)}.`);
  }
  if (complaints.length > 0 || 'complaints' in shared) return { complaints: [...new Set(complaints)] };
  return {
    filter: shared.filter,
    stops: words.length === 0 ? DEFAULT_STOPS : STOPS.filter((stop) => words.includes(stop)),
    showsPercentiles: given.some(([name, value]) => name === 'percentiles' && value === '1'),
    windowNanos,
  };
}

/** The query with its `?`, or '' where it says nothing. What is the default is left out. */
export function printUtilizationQuery({
  filter,
  stops,
  showsPercentiles,
  windowNanos,
}: UtilizationQuery): string {
  const params = new URLSearchParams(printPageQuery({ filter }));
  const count = stops.join(',');
  if (count !== DEFAULT_STOPS.join(',')) params.set('count', count);
  if (showsPercentiles) params.set('percentiles', '1');
  if (windowNanos !== undefined) params.set('window', exactTime(windowNanos));
  return params.size === 0 ? '' : `?${params}`.replaceAll('%2C', ',');
}
