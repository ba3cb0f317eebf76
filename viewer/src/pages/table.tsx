/** The page of a table: what it answers, which part is shown, the rows, and the same rows for programs and people elsewhere. */
import { counted, countText, type ProfileType, type Table } from '@ttrace/analysis';
import type { Child } from 'hono/jsx';
import { filterEntries } from '../filter-query.ts';
import { type Links, SERVER_LINKS } from '../links.ts';
import type { Navigation } from '../navigation.ts';
import { printProfileQuery } from '../profile-query.ts';
import { addressOf } from '../row-links.ts';
import type { TableView } from '../table-view.ts';
import { DataTable } from './data-table.tsx';
import { FilterBar } from './filter-bar.tsx';
import { Layout } from './layout.tsx';
import { PlainTable } from './plain-table.tsx';
import { TaskOverview } from './task-overview.tsx';

interface TablePageProps {
  /** What the trace is called. */
  readonly title: string;
  readonly view: TableView;
  readonly nav: Navigation;
}

/** Renders the page. */
export function TablePage({ title, view, nav }: TablePageProps): Child {
  const { table, query } = view;
  const only = [
    ...filterEntries(query.filter).map(({ field, text }) => `${field.name} ${text}`),
    ...(query.where ?? []),
  ];
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
      {table.task !== undefined && <TaskOverview overview={table.task} links={links} />}
      <Views view={view} links={links} />
      {links.isLive && <FilterBar view={view} links={links} />}
      {table.rows.length === 0 ? (
        <>
          <p class="nothing">Nothing in this trace, or in the part of it that was asked for.</p>
          <Note table={table} />
        </>
      ) : (
        <>
          <Aside table={table} />
          <RowCount view={view} links={links} />
          <DataTable view={view} links={links} />
          {links.isLive && <Pager view={view} links={links} />}
          <Note table={table} />
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

/** What the trace cannot tell. */
function Note({ table: { note } }: { readonly table: Table<unknown> }): Child {
  return note === undefined ? null : <p class="note">{note}</p>;
}

/** The small table beside a table. */
function Aside({ table }: { readonly table: Table<unknown> }): Child {
  const aside = table.aside?.();
  if (aside === undefined) return null;
  return (
    <section>
      <h2>{aside.title}</h2>
      <p class="help">{aside.help}</p>
      <PlainTable table={aside} maxRows={aside.rows.length} restIs="" />
    </section>
  );
}

interface PartProps {
  readonly view: TableView;
  readonly links: Links;
}

/** Profiles of the same things that tables list, by table. */
const PROFILE_OF: ReadonlyMap<string, ProfileType> = new Map([
  ['blockers', 'block'],
  ['locks', 'mutex'],
  ['messages', 'message'],
]);

/** The same things grouped or one by one, and other tables about them. */
function Views({ view, links }: PartProps): Child {
  const { page, query, table } = view;
  const views: { title: string; href: string | undefined; isCurrent: boolean }[] = [];
  if (page.sibling !== undefined) {
    const pair = page.isEach ? [page.sibling, page.id] : [page.id, page.sibling];
    for (const [at, id] of pair.entries()) {
      const href = links.page(id, { filter: query.filter });
      views.push({ title: ['Grouped', 'One by one'][at]!, href, isCurrent: id === page.id });
    }
  }
  for (const link of table.related ?? []) {
    views.push({ title: link.title, href: addressOf(view, links, link), isCurrent: false });
  }
  const profile = PROFILE_OF.get(page.family);
  if (profile !== undefined && links.isLive && table.rows.length > 0) {
    const href = `/profile${printProfileQuery({ type: profile, filter: query.filter })}`;
    views.push({ title: 'Flame graph', href, isCurrent: false });
  }
  const reachable = views.filter(({ href }) => href !== undefined);
  if (reachable.length === 0) return null;
  return (
    <ul class="views">
      {reachable.map(({ title, href, isCurrent }) => (
        <li>
          <a href={href} aria-current={isCurrent ? 'true' : undefined}>
            {title}
          </a>
        </li>
      ))}
    </ul>
  );
}

function RowCount({ view, links }: PartProps): Child {
  const { table, rows, firstRow, query } = view;
  const { id, command } = view.page;
  const isPart = rows.length < table.rows.length;
  const [markdown, csv, json] = (['md', 'csv', 'json'] as const).map((form) => links.file(id, form, query));
  return (
    <p class="row-count">
      <span>
        {counted(table.rows.length, 'row')}
        {isPart && `, of which ${countText(firstRow + 1)} to ${countText(firstRow + rows.length)}`}
        {isPart && !links.isLive && (
          <>
            {' '}
            are in this file: <code>{`ttrace ${command} --top ${table.rows.length}`}</code> prints all
          </>
        )}
      </span>
      {markdown !== undefined && (
        <span class="files">
          <a href={markdown} data-copy>
            Copy as Markdown
          </a>
          <a href={csv} download={`${id.replace('/', '-')}.csv`}>
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
  const { query, pages } = view;
  const { id } = view.page;
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
