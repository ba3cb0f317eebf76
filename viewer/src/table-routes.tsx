/** The addresses of tables: a page, and the same rows as Markdown, CSV and JSON. */
import type { Context, Env, Hono } from 'hono';
import type { Child } from 'hono/jsx';
import {
  FORM_MARK,
  type PageQuery,
  parsePageQuery,
  printPageQuery,
  type QueryComplaints,
  withoutEmpty,
} from './filter-query.ts';
import type { TableFile } from './links.ts';
import { navigation } from './navigation.ts';
import { BadQuery } from './pages/bad-query.tsx';
import { TablePage as TableMarkup } from './pages/table.tsx';
import type { Subject } from './subject.ts';
import { FILE_TYPES, tableFile } from './table-file.ts';
import type { TablePage } from './table-pages.ts';
import { tableView } from './table-view.ts';

/** Answers with a page, 200 unless told otherwise. */
type SendPage<E extends Env> = (context: Context<E>, markup: Child, status?: 200 | 400) => Response;

const FILES = Object.keys(FILE_TYPES) as TableFile[];

/** Adds the routes of all tables of a subject. */
export function addTableRoutes<E extends Env>(app: Hono<E>, subject: Subject, sendPage: SendPage<E>): void {
  for (const page of subject.tables.pages) {
    const { id } = page;
    app.get(`/${id}`, (context) => {
      const params = paramsOf(context);
      if (params.has(FORM_MARK)) return context.redirect(`/${id}${addressOf(params)}`, 302);
      const { markup, status } = answer(subject, page, parsePageQuery(params));
      return sendPage(context, markup, status);
    });
    for (const form of FILES) {
      app.get(`/${id}.${form}`, (context) => {
        const query = parsePageQuery(paramsOf(context));
        if ('complaints' in query) return context.text(query.complaints.join('\n'), 400);
        const wanted = subject.tables.where(page, query.filter, query.where ?? []);
        if ('complaints' in wanted) return context.text(wanted.complaints.join('\n'), 400);
        const kept = subject.tables.sorted(page, query.filter, query.sort, query.order, query.where);
        if (kept === undefined) return context.text(`There is no column ${query.sort} to sort by.`, 400);
        return context.body(tableFile(kept.table, form, query), 200, { 'content-type': FILE_TYPES[form] });
      });
    }
  }
}

function answer(
  subject: Subject,
  page: TablePage,
  query: PageQuery | QueryComplaints,
): { markup: Child; status: 200 | 400 } {
  const nav = navigation(subject, page.family);
  const view = 'complaints' in query ? query : tableView(subject.tables, page, query);
  if ('complaints' in view) {
    return { markup: <BadQuery id={page.id} complaints={view.complaints} nav={nav} />, status: 400 };
  }
  return { markup: <TableMarkup title={subject.title} view={view} nav={nav} />, status: 200 };
}

function paramsOf<E extends Env>(context: Context<E>): URLSearchParams {
  return new URL(context.req.url).searchParams;
}

/** The address that a submitted form asks for; as it is where that makes no sense, to be complained about there. */
function addressOf(params: URLSearchParams): string {
  const given = withoutEmpty(params);
  const query = parsePageQuery(given);
  return 'complaints' in query ? `?${given}` : printPageQuery(query);
}
