/** The rows of a table: headings that explain and sort, cells by their unit, and links to the timeline and to what a row sums up. */
import { type Column, cellText, unitText } from '@ttrace/analysis';
import type { Child } from 'hono/jsx';
import { narrowed } from '../filter-query.ts';
import type { Links } from '../links.ts';
import type { TableView } from '../table-view.ts';
import { StateBar, StateLegend } from './state-bar.tsx';

interface DataTableProps {
  readonly view: TableView;
  readonly links: Links;
}

/** Longer texts are cut; files have them whole. */
const MAX_TEXT = 240;

/** Renders one page of rows. */
export function DataTable({ view, links }: DataTableProps): Child {
  const { table, columns, rows } = view;
  const [first, ...rest] = columns;
  if (first === undefined) return null;
  const statesOf = table.statesOf?.bind(table);
  const hasSpans = table.spanOf !== undefined && links.timeline() !== undefined;
  return (
    <>
      {statesOf !== undefined && <StateLegend rows={rows.map(statesOf)} />}
      {/* Reachable by keyboard, for it may be wider than the window. */}
      <section class="scroll" aria-label={table.title} tabindex={0}>
        <table class="data">
          <thead>
            <tr>
              <Heading {...{ view, links, column: first }} />
              {statesOf !== undefined && (
                <th class="text" scope="col">
                  Time
                </th>
              )}
              {rest.map((column) => (
                <Heading {...{ view, links, column }} />
              ))}
              {hasSpans && (
                <th scope="col">
                  <span class="unseen">Timeline</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr>
                <RowName {...{ view, links, row, column: first }} />
                {statesOf !== undefined && (
                  <td>
                    <StateBar times={statesOf(row)} longest={view.longestStates} />
                  </td>
                )}
                {rest.map((column) => (
                  <DataCell {...{ row, column }} />
                ))}
                {hasSpans && <TimelineCell {...{ view, links, row, column: first }} />}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

interface ColumnProps extends DataTableProps {
  readonly column: Column<unknown>;
}

interface RowProps extends ColumnProps {
  readonly row: unknown;
}

function Heading({ view, links, column }: ColumnProps): Child {
  const { id, query } = view;
  const isSorted = query.sort === column.id;
  const isUpByItself = column.unit === 'text';
  const isUp = query.order === undefined ? isUpByItself : query.order === 'up';
  // A second click turns the order around.
  const order = isSorted && isUp === isUpByItself ? (isUp ? 'down' : 'up') : undefined;
  const href = links.isLive
    ? links.page(id, { filter: query.filter, sort: column.id, order, page: 1 })
    : undefined;
  return (
    <th
      scope="col"
      class={column.unit === 'text' ? 'text' : undefined}
      title={column.help}
      aria-sort={isSorted ? (isUp ? 'ascending' : 'descending') : undefined}
    >
      {href === undefined ? column.title : <a href={href}>{column.title}</a>}
    </th>
  );
}

function RowName({ view, links, row, column }: RowProps): Child {
  const { table, query } = view;
  const link = table.linkOf?.(row);
  const href = link && links.page(link.page, { filter: narrowed(query.filter, link.filter) });
  const text = cellOf(row, column) || '(no name)';
  return (
    <th scope="row" class={column.unit === 'text' ? 'text' : undefined}>
      {href === undefined ? text : <a href={href}>{text}</a>}
    </th>
  );
}

function DataCell({ row, column }: { row: unknown; column: Column<unknown> }): Child {
  return <td class={column.unit === 'text' ? 'text' : undefined}>{cellOf(row, column)}</td>;
}

function TimelineCell({ view, links, row, column }: RowProps): Child {
  const span = view.table.spanOf?.(row);
  const href = span && links.timeline(span);
  return (
    <td>
      {href !== undefined && (
        <a href={href} aria-label={`Show ${cellOf(row, column)} in the timeline`}>
          show
        </a>
      )}
    </td>
  );
}

function cellOf(row: unknown, column: Column<unknown>): string {
  return cellText(unitText(column.of(row), column.unit), MAX_TEXT);
}
