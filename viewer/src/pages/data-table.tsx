/** The rows of a table: headings that explain and sort, cells by their unit, and links to the timeline and to what a row sums up. */
import { type Column, cellText, unitText } from '@ttrace/analysis';
import type { Child } from 'hono/jsx';
import type { Links } from '../links.ts';
import { addressOf, addressOfRow } from '../row-links.ts';
import type { TableView } from '../table-view.ts';
import { Distribution, scaleOf, scaleText } from './distribution.tsx';
import { StateBar, StateLegend } from './state-bar.tsx';

interface DataTableProps {
  readonly view: TableView;
  readonly links: Links;
}

/** Longer texts are folded; those of columns that are, when they are longer than what is shown then. */
const MOST_CHARS = 400;
const FOLDED_CHARS = 100;
/** And cut at this; files have them whole. */
const MAX_CHARS = 4000;

/** Renders one page of rows. */
export function DataTable({ view, links }: DataTableProps): Child {
  const { table, columns, rows } = view;
  const [first, ...rest] = columns;
  if (first === undefined) return null;
  const pictures = picturesOf(view, links);
  const hasSpans = table.spanOf !== undefined && links.timeline() !== undefined;
  return (
    <>
      {table.statesOf !== undefined && <StateLegend rows={rows.map((row) => table.statesOf!(row))} />}
      {/* Reachable by keyboard, for it may be wider than the window. */}
      <section class="scroll" aria-label={table.title} tabindex={0}>
        <table class="data">
          <thead>
            <tr>
              <Heading {...{ view, links, column: first }} />
              {hasSpans && (
                <th scope="col">
                  <span class="unseen">Timeline</span>
                </th>
              )}
              {pictures.map(({ title, place }) => (
                <th scope="col" class={`text picture ${place}`}>
                  {title}
                </th>
              ))}
              {rest.map((column) => (
                <Heading {...{ view, links, column }} />
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr>
                <RowName {...{ view, links, row, column: first }} />
                {hasSpans && <TimelineCell {...{ view, links, row, column: first }} />}
                {pictures.map(({ of, place }) => (
                  <td class={place}>{of(row)}</td>
                ))}
                {rest.map((column) => (
                  <DataCell {...{ view, links, row, column }} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

/** What is drawn of each row, beside its first column. */
interface Picture {
  readonly title: string;
  /** On a phone there is no room for what is `wide`: figures come first. */
  readonly place: 'wide' | 'anywhere';
  readonly of: (row: unknown) => Child;
}

function picturesOf(view: TableView, links: Links): Picture[] {
  const { table, rows, longestStates } = view;
  const pictures: Picture[] = [];
  if (table.statesOf !== undefined) {
    pictures.push({
      title: 'Time',
      place: 'anywhere',
      of: (row) => <StateBar times={table.statesOf!(row)} longest={longestStates} />,
    });
  }
  const histograms = new Map(rows.map((row) => [row, table.histogramOf?.(row)]));
  const scale = scaleOf([...histograms.values()]);
  if (scale.length > 0) {
    pictures.push({
      title: scaleText(scale),
      place: 'wide',
      of: (row) => {
        const histogram = histograms.get(row);
        if (histogram === undefined) return null;
        return (
          <Distribution
            histogram={histogram}
            scale={scale}
            hrefOf={({ min, max }) => addressOfRow(view, links, row, { min, max })}
          />
        );
      },
    });
  }
  return pictures;
}

interface ColumnProps extends DataTableProps {
  readonly column: Column<unknown>;
}

interface RowProps extends ColumnProps {
  readonly row: unknown;
}

function Heading({ view, links, column }: ColumnProps): Child {
  const { query } = view;
  const { id } = view.page;
  const isSorted = query.sort === column.id;
  const isUpByItself = column.unit === 'text';
  const isUp = query.order === undefined ? isUpByItself : query.order === 'up';
  // A second click turns the order around.
  const order = isSorted && isUp === isUpByItself ? (isUp ? 'down' : 'up') : undefined;
  const href = links.isLive
    ? links.page(id, { filter: query.filter, where: query.where, sort: column.id, order, page: 1 })
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
  const href = addressOfRow(view, links, row);
  const text = cellOf(row, column) || '(no name)';
  return (
    <th scope="row" class={column.unit === 'text' ? 'text' : undefined}>
      {href === undefined ? text : <a href={href}>{text}</a>}
    </th>
  );
}

function DataCell({ view, links, row, column }: RowProps): Child {
  const link = column.linkOf?.(row);
  const href = link && addressOf(view, links, link);
  const text = cellOf(row, column);
  return (
    <td class={column.unit === 'text' ? 'text' : undefined}>
      {href === undefined ? (
        <Text text={text} most={column.isFolded === true ? FOLDED_CHARS : MOST_CHARS} />
      ) : (
        <a href={href}>{text}</a>
      )}
    </td>
  );
}

function Text({ text, most }: { text: string; most: number }): Child {
  if (text.length <= most) return text;
  return (
    <details>
      <summary>{text.slice(0, FOLDED_CHARS)}…</summary>
      {text}
    </details>
  );
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
  return cellText(unitText(column.of(row), column.unit), MAX_CHARS);
}
