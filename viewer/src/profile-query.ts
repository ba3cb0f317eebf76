/**
 * What a page of a profile shows, as the query of its address: type, region and focus, and the filter as tables have it. Parsed and printed
 * here alone, and `parse(print(x))` is x. Nothing in a query is ignored: what is not understood is a complaint.
 */
import { type Filter, PROFILES, type ProfileType } from '@ttrace/analysis';
import { FORM_MARK, parsePageQuery, printPageQuery, type QueryComplaints, WHERE } from './filter-query.ts';

export interface ProfileQuery {
  readonly type: ProfileType;
  readonly filter: Filter;
  /** Only time within regions of this name. */
  readonly region?: string | undefined;
  /** Number of the node of the flame graph that takes its whole width, 0 for all. */
  readonly focus: number;
}

const OWN = ['type', 'region', 'focus'];

/** Reads a query; without a type it is that of the first profile. */
export function parseProfileQuery(params: URLSearchParams): ProfileQuery | QueryComplaints {
  const rest = new URLSearchParams([...params].filter(([name]) => !OWN.includes(name)));
  const page = parsePageQuery(rest);
  const complaints = 'complaints' in page ? [...page.complaints] : [];
  for (const name of OWN)
    if (params.getAll(name).length > 1) complaints.push(`${name} is there more than once.`);
  for (const name of [WHERE, 'sort', 'order', 'page']) {
    if (params.has(name)) complaints.push(`A profile has no ${name}.`);
  }
  const known = PROFILES.map(({ type }) => type);
  const given = params.get('type') ?? known[0]!;
  const type = known.find((each) => each === given);
  if (type === undefined)
    complaints.push(`type is ${known.join(', ')}, not ${JSON.stringify(given.slice(0, 60))}.`);
  const focus = params.get('focus') ?? '0';
  if (!/^\d{1,9}$/.test(focus)) complaints.push('focus is the number of a frame.');
  if (complaints.length > 0 || 'complaints' in page || type === undefined) return { complaints };
  return { type, filter: page.filter, region: params.get('region') ?? undefined, focus: Number(focus) };
}

/** The query with its `?`. */
export function printProfileQuery({ type, filter, region, focus = 0 }: Partial<ProfileQuery>): string {
  const params = new URLSearchParams();
  if (type !== undefined) params.set('type', type);
  if (region !== undefined) params.set('region', region);
  for (const [name, value] of new URLSearchParams(printPageQuery({ filter: filter ?? {} })))
    params.set(name, value);
  if (focus > 0) params.set('focus', String(focus));
  return params.size === 0 ? '' : `?${params}`;
}

/** What a submitted form means: fields left empty are not given. */
export function ofForm(params: URLSearchParams): URLSearchParams {
  return new URLSearchParams([...params].filter(([name, value]) => name !== FORM_MARK && value !== ''));
}
