/**
 * Where the links of a page lead: to other addresses of the server. The report, one file, has links of its own. Pages ask for an address
 * and show plain text where there is none.
 */
import { type PageQuery, printPageQuery } from './filter-query.ts';
import { type TimeSpan, timelinePath } from './timeline-path.ts';

/** Forms in which a table can be had besides its page. */
export type TableFile = 'md' | 'csv' | 'json';

/** Addresses; undefined for what is not there. */
export interface Links {
  /** Whether a server answers: forms, orders and files make sense. */
  readonly isLive: boolean;
  /** A page by its name, '' for the home page. */
  page(id: string, query?: Partial<PageQuery>): string | undefined;
  file(id: string, form: TableFile, query: PageQuery): string | undefined;
  timeline(span?: TimeSpan): string | undefined;
}

/** Links within the running server. */
export const SERVER_LINKS: Links = {
  isLive: true,
  page: (id, query = {}) => `/${id}${printPageQuery(query)}`,
  file: (id, form, { filter, where, sort, order }) =>
    `/${id}.${form}${printPageQuery({ filter, where, sort, order })}`,
  timeline: timelinePath,
};
