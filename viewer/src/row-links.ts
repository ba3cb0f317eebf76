/** Where a row, or a part of what it sums up, leads to: the table's own words about it, on top of what narrows the table. */
import type { Filter, TableLink } from '@ttrace/analysis';
import { narrowed } from './filter-query.ts';
import type { Links } from './links.ts';
import type { TableView } from './table-view.ts';

/** Address of what a link of a table means. */
export function addressOf(view: TableView, links: Links, { page, filter }: TableLink): string | undefined {
  // Another table lists other things: a name, a length, an attribute would mean something else there.
  const isSameThings = page === view.page.sibling;
  return links.page(page, { filter: isSameThings ? narrowed(view.query.filter, filter) : filter });
}

/** Address of what a row sums up; of a part of it with a filter of its own. */
export function addressOfRow(
  view: TableView,
  links: Links,
  row: unknown,
  part: Filter = {},
): string | undefined {
  const link = view.table.linkOf?.(row);
  return link && addressOf(view, links, { ...link, filter: narrowed(link.filter, part) });
}
