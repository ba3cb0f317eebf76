/**
 * What a page of a table shows, as the query of its address: the filter under the names of the commands' options, the order and the page.
 * Parsed and printed here alone, and `parse(print(x))` is x: a link that is printed means what its page shows. Nothing in a query is
 * ignored: what is not understood is a complaint.
 */
import type { Filter } from '@ttrace/analysis';
import { parseTime } from '@ttrace/format';
import { exactTime } from './time-text.ts';

/** Part, order and page of a table. */
export interface PageQuery {
  readonly filter: Filter;
  /** Conditions on columns, as `whereRows` takes them; undefined for none. */
  readonly where?: readonly string[] | undefined;
  /** Id of a column; undefined: the table's own order. */
  readonly sort?: string | undefined;
  /** Undefined: what suits the column. */
  readonly order?: 'up' | 'down' | undefined;
  /** From 1 on. */
  readonly page: number;
}

/** A field of the filter, as forms and chips show it. */
export interface FilterField {
  readonly name: keyof Filter;
  readonly kind: 'time' | 'text' | 'claim';
  readonly label: string;
  readonly hint: string;
}

/** All fields of a filter, in the order of forms and addresses. */
export const FILTER_FIELDS: readonly FilterField[] = [
  { name: 'from', kind: 'time', label: 'From', hint: '1.5s, 300ms: since the first event' },
  { name: 'to', kind: 'time', label: 'To', hint: '2s' },
  { name: 'thread', kind: 'text', label: 'Thread', hint: 'name, tid or pid/tid' },
  { name: 'task', kind: 'text', label: 'Task', hint: 'name or #ID' },
  { name: 'name', kind: 'text', label: 'Name', hint: 'of what the table lists' },
  { name: 'min', kind: 'time', label: 'At least', hint: '5ms' },
  { name: 'max', kind: 'time', label: 'Less than', hint: '20ms' },
  { name: 'text', kind: 'text', label: 'Text', hint: 'in name or arguments' },
  { name: 'attribute', kind: 'text', label: 'Attribute', hint: 'status=500' },
  { name: 'complete', kind: 'claim', label: 'Has ended', hint: '' },
];

/** What conditions on columns are called, each by itself. */
export const WHERE = 'where';

/** The hidden field of the filter form. */
export const FORM_MARK = 'apply';

const NAMES: ReadonlySet<string> = new Set([
  ...FILTER_FIELDS.map(({ name }) => name),
  WHERE,
  'sort',
  'order',
  'page',
]);

/** Why a query means nothing, in sentences. */
export interface QueryComplaints {
  readonly complaints: readonly string[];
}

/** Reads a query. Times are those of `parseTime`. */
export function parsePageQuery(params: URLSearchParams): PageQuery | QueryComplaints {
  const complaints = misplaced(params);
  const value = (name: string): string | undefined => params.get(name) ?? undefined;
  const time = (name: string): number | undefined => {
    const text = value(name);
    const nanos = text === undefined ? undefined : parseTime(text);
    if (text !== undefined && nanos === undefined) {
      complaints.push(`${name} takes a time such as 1.5s, 300ms or 20us, not ${quoted(text)}.`);
    }
    return nanos;
  };
  const oneOf = <T extends string>(name: string, ...allowed: readonly T[]): T | undefined => {
    const text = value(name);
    const found = allowed.find((each) => each === text);
    if (text !== undefined && found === undefined) {
      complaints.push(`${name} is ${allowed.join(' or ')}, not ${quoted(text)}.`);
    }
    return found;
  };
  const complete = oneOf('complete', 'true', 'false');
  const filter: Filter = {
    from: time('from'),
    to: time('to'),
    thread: value('thread'),
    task: value('task'),
    name: value('name'),
    min: time('min'),
    max: time('max'),
    text: value('text'),
    attribute: value('attribute'),
    complete: complete && complete === 'true',
  };
  if (filter.from !== undefined && filter.to !== undefined && filter.from >= filter.to) {
    complaints.push('from must be before to.');
  }
  const order = oneOf('order', 'up', 'down');
  const page = value('page') ?? '1';
  if (!/^[1-9]\d{0,8}$/.test(page)) complaints.push(`page is a number from 1 on, not ${quoted(page)}.`);
  if (complaints.length > 0) return { complaints };
  const conditions = params.getAll(WHERE);
  const where = conditions.length > 0 ? conditions : undefined;
  return { filter, where, sort: value('sort'), order, page: Number(page) };
}

/** Complaints about names that nothing has, and about those that are there twice. */
function misplaced(params: URLSearchParams): string[] {
  const complaints: string[] = [];
  for (const name of new Set(params.keys())) {
    if (!NAMES.has(name)) complaints.push(`There is nothing called ${quoted(name)} to filter or sort by.`);
    else if (name !== WHERE && params.getAll(name).length > 1)
      complaints.push(`${name} is there more than once.`);
  }
  return complaints;
}

/** The query with its `?`, or '' where it says nothing. */
export function printPageQuery({ filter, where = [], sort, order, page = 1 }: Partial<PageQuery>): string {
  const params = new URLSearchParams();
  for (const { field, text } of filterEntries(filter ?? {})) params.set(field.name, text);
  for (const condition of where) params.append(WHERE, condition);
  if (sort !== undefined) params.set('sort', sort);
  if (order !== undefined) params.set('order', order);
  if (page !== 1) params.set('page', String(page));
  return params.size === 0 ? '' : `?${params}`;
}

/** The fields that a filter gives, each with its value as text. */
export function filterEntries(filter: Filter): { readonly field: FilterField; readonly text: string }[] {
  return FILTER_FIELDS.flatMap((field) => {
    const value = filter[field.name];
    if (value === undefined) return [];
    return [{ field, text: typeof value === 'number' ? exactTime(value) : String(value) }];
  });
}

/** What a submitted form means: fields left empty are not given, while `name=` in an address asks for the empty name. */
export function withoutEmpty(params: URLSearchParams): URLSearchParams {
  return new URLSearchParams([...params].filter(([name, value]) => name !== FORM_MARK && value !== ''));
}

/** What both filters let through, as far as one filter can say it: of two names the second counts, of stretches the common part. */
export function narrowed(outer: Filter, inner: Filter): Filter {
  const both = (a: number | undefined, b: number | undefined, pick: (a: number, b: number) => number) =>
    a === undefined || b === undefined ? (a ?? b) : pick(a, b);
  const given = Object.fromEntries(Object.entries(inner).filter(([, value]) => value !== undefined));
  return {
    ...outer,
    ...given,
    from: both(outer.from, inner.from, Math.max),
    to: both(outer.to, inner.to, Math.min),
    min: both(outer.min, inner.min, Math.max),
    max: both(outer.max, inner.max, Math.min),
  };
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
}
