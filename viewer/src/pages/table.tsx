/** The page of a table: what it answers, which part is shown, the rows, and the same rows for programs and people elsewhere. */
import { counted, countText } from '@ttrace/analysis';
import type { Child } from 'hono/jsx';
import { filterEntries } from '../filter-query.ts';
import { type Links, SERVER_LINKS } from '../links.ts';
import type { Navigation } from '../navigation.ts';
import type { TableView } from '../table-view.ts';
import { DataTable } from './data-table.tsx';
import { FilterBar } from './filter-bar.tsx';
import { Layout } from './layout.tsx';

interface TablePageProps {
  /** What the trace is called. */
  readonly title: string;
  readonly view: TableView;
  readonly nav: Navigation;
}

/** Renders the page. */
export function TablePage({ title, view, nav }: TablePageProps): Child {
  const { table, query } = view;
  const only = filterEntries(query.filter).map(({ field, text }) => `${field.name} ${text}`);
  return (
    <Layout
      title={[table.title, ...only, title, 'ttrace'].join(' · ')}
      nav={nav}
      script="/client/copy-table.js"
    >
      <main>
        <h1>{table.title}</h1>
        <TableContent view={view} links={SERVER_LINKS} />
      </main>
    </Layout>
  );
}

/** A table with all that explains it, without a heading. */
export function TableContent({ view, links }: { readonly view: TableView; readonly links: Links }): Child {
  const { table, columns } = view;
  return (
    <>
      <p class="help">{table.help}</p>
      {links.isLive && <FilterBar view={view} links={links} />}
      {table.rows.length === 0 ? (
        <p class="nothing">Nothing in this trace, or in the part of it that was asked for.</p>
      ) : (
        <>
          <RowCount view={view} links={links} />
          <DataTable view={view} links={links} />
          {links.isLive && <Pager view={view} links={links} />}
          {table.note !== undefined && <p class="note">{table.note}</p>}
          <details class="meaning">
            <summary>What the columns mean</summary>
            <dl>
              {columns.map(({ title, help }) => (
                <div>
                  <dt>{title}</dt>
                  <dd>{help}</dd>
                </div>
              ))}
            </dl>
          </details>
        </>
      )}
    </>
  );
}

interface PartProps {
  readonly view: TableView;
  readonly links: Links;
}

function RowCount({ view, links }: PartProps): Child {
  const { id, table, rows, firstRow, query } = view;
  const isPart = rows.length < table.rows.length;
  const [markdown, csv, json] = (['md', 'csv', 'json'] as const).map((form) => links.file(id, form, query));
  return (
    <p class="row-count">
      <span>
        {counted(table.rows.length, 'row')}
        {isPart && `, of which ${countText(firstRow + 1)} to ${countText(firstRow + rows.length)}`}
      </span>
      {markdown !== undefined && (
        <span class="files">
          <a href={markdown} data-copy>
            Copy as Markdown
          </a>
          <a href={csv} download={`${id}.csv`}>
            CSV
          </a>
          <a href={json}>JSON</a>
          <span class="copied" role="status" />
        </span>
      )}
    </p>
  );
}

function Pager({ view, links }: PartProps): Child {
  const { id, query, pages } = view;
  if (pages === 1) return null;
  const step = (page: number, label: string): Child =>
    page === query.page || page < 1 || page > pages ? (
      <span>{label}</span>
    ) : (
      <a href={links.page(id, { ...query, page })}>{label}</a>
    );
  return (
    <nav class="pager" aria-label="Pages of rows">
      {step(1, 'first')} {step(query.page - 1, 'previous')}
      <b>
        page {countText(query.page)} of {countText(pages)}
      </b>
      {step(query.page + 1, 'next')} {step(pages, 'last')}
    </nav>
  );
}
