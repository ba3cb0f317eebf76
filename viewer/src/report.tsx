/**
 * The pages of a trace as one file that opens from disk: each page a section, links between pages anchors, the style sheet inside, no script,
 * nothing loaded. What is not in the file, such as the timeline and filtered tables, is plain text instead of a link.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  DEFAULT_STOPS,
  flameTree,
  functionsTable,
  indexOf,
  PROFILES,
  type ProfileQuestion,
  profileOf,
  type TraceIndex,
  UTILIZATION_HELP,
  utilizationHeatmap,
  utilizationOf,
  utilizationTable,
} from '@ttrace/analysis';
import type { Trace } from '@ttrace/format';
import type { Child } from 'hono/jsx';
import { printPageQuery } from './filter-query.ts';
import type { Links } from './links.ts';
import { type Navigation, navigation, type PageEntry } from './navigation.ts';
import { FlameGraph } from './pages/flame-graph.tsx';
import { HeatmapFigure } from './pages/heatmap.tsx';
import { describe, HomeContent } from './pages/home.tsx';
import { PlainTable } from './pages/plain-table.tsx';
import { TableContent } from './pages/table.tsx';
import { Subject } from './subject.ts';
import type { TablePage } from './table-pages.ts';
import { type TableView, tableView } from './table-view.ts';

/** What to report on. */
export interface ReportOptions {
  readonly trace: Trace;
  /** Heading of the report. */
  readonly title: string;
  /** Name of the trace's file, for the commands that the report names. */
  readonly fileName: string;
}

/** Most rows of a table. */
const REPORT_ROWS = 100;
const HOME = 'home';
const STYLES = ['page.css', 'profile.css', 'utilization.css'];

/** Renders the file, a section at a time. */
export function* htmlReport({ trace, title, fileName }: ReportOptions): Generator<string, void, undefined> {
  const subject = new Subject(trace, title, fileName, Infinity);
  const views = subject.tables.pages
    .map((page) => sectionOf(subject, page))
    .filter((view) => view !== undefined);
  for (const page of subject.tables.pages) if (!page.isEach) subject.tables.countRows(page);
  const links = anchorLinks(new Set(views.map(({ page }) => page.id)));
  const nav = navigation(subject, HOME);
  yield headOf(title);
  yield String(<Navigator nav={nav} links={links} />);
  yield '<main id="content">';
  yield String(<HomeSection subject={subject} nav={nav} links={links} />);
  for (const view of views) yield String(<TableSection view={view} links={links} />);
  const index = indexOf(trace);
  yield String(<UtilizationSection index={index} links={links} />);
  for (const question of PROFILES) yield String(<ProfileSection index={index} question={question} />);
  yield `</main>${String(<Foot />)}</body></html>\n`;
}

function sectionOf(subject: Subject, page: TablePage): TableView | undefined {
  const view = tableView(subject.tables, page, { filter: {}, page: 1 }, REPORT_ROWS);
  return 'complaints' in view || view.rows.length === 0 ? undefined : view;
}

/** Links within the file; undefined for what is not in it. */
function anchorLinks(ids: ReadonlySet<string>): Links {
  return {
    isLive: false,
    page: (id, query = {}) => {
      if (printPageQuery(query) !== '') return undefined;
      if (id === '') return `#${HOME}`;
      return ids.has(id) ? `#${id}` : undefined;
    },
    file: () => undefined,
    timeline: () => undefined,
  };
}

/** All that stands before the first section. The policy lets the style sheet in by its hash, and nothing else. */
function headOf(title: string): string {
  const icon = dataUrl(asset('icon.svg'));
  const style = STYLES.map(asset).join('\n').replaceAll('url("/assets/icon.svg")', `url("${icon}")`);
  const hash = createHash('sha256').update(style).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  const meta = (
    <>
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content={policy} />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="referrer" content="no-referrer" />
      <title>{`${title} · ttrace`}</title>
      <link rel="icon" href={icon} />
    </>
  );
  return `<!doctype html><html lang="en"><head>${String(meta)}<style>${style}</style></head><body>`;
}

function asset(name: string): string {
  return readFileSync(new URL(`../assets/${name}`, import.meta.url), 'utf8');
}

function dataUrl(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}

interface PartProps {
  readonly nav: Navigation;
  readonly links: Links;
}

function Navigator({ nav, links }: PartProps): Child {
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <nav class="pages" aria-label="Sections">
        <span class="brand">
          <span class="mark" aria-hidden="true" /> ttrace
        </span>
        {inFile(nav, links).map(({ id, label, summary }) => (
          <a href={links.page(id)} title={summary}>
            {label}
          </a>
        ))}
      </nav>
    </>
  );
}

function inFile({ entries }: Navigation, links: Links): readonly PageEntry[] {
  return entries.filter(({ id }) => links.page(id) !== undefined);
}

function HomeSection({ subject, nav, links }: PartProps & { readonly subject: Subject }): Child {
  const { title, fileName, facts, findings, warnings } = subject;
  const home = {
    title,
    fileName,
    facts,
    findings,
    warnings,
    inPieces: false,
    nav: { ...nav, entries: inFile(nav, links) },
  };
  return (
    <section id={HOME}>
      <h1>{title}</h1>
      <p class="sub">{describe(title, fileName, facts)}</p>
      <p class="note">
        This file has the first {REPORT_ROWS} rows of each table. <code>ttrace view {fileName}</code> shows
        the timeline, all rows, and any part of them.
      </p>
      <HomeContent {...home} links={links} />
    </section>
  );
}

function TableSection({ view, links }: { readonly view: TableView; readonly links: Links }): Child {
  return (
    <section id={view.page.id}>
      <h2>{view.table.title}</h2>
      <TableContent view={view} links={links} />
    </section>
  );
}

/** Bins of the heat map, as on the page. */
const BINS = 120;

function UtilizationSection({ index, links }: { readonly index: TraceIndex; readonly links: Links }): Child {
  const utilization = utilizationOf(index, {}, DEFAULT_STOPS);
  if (utilization.duration === 0) return null;
  return (
    <section id="utilization">
      <h2>Event loop utilisation</h2>
      <p class="help">{UTILIZATION_HELP}</p>
      <HeatmapFigure heatmap={utilizationHeatmap(index, {}, BINS)} links={links} />
      <PlainTable table={utilizationTable(index, utilization)} maxRows={REPORT_ROWS} restIs="in ttrace mmu" />
    </section>
  );
}

function ProfileSection({
  index,
  question,
}: {
  readonly index: TraceIndex;
  readonly question: ProfileQuestion;
}): Child {
  const profile = profileOf(index, question.type);
  if (profile.samples.length === 0) return null;
  const kept = { profile, tree: flameTree(profile) };
  return (
    <section id={`profile-${question.type}`}>
      <h2>Profile: {question.title}</h2>
      <p class="help">{question.help}</p>
      <FlameGraph kept={kept} focus={0} noun={question.noun} linkTo={() => undefined} />
      <PlainTable table={functionsTable(profile)} maxRows={REPORT_ROWS} restIs="in ttrace pprof --top" />
    </section>
  );
}

function Foot(): Child {
  return <footer>Made by ttrace. Everything that this report shows is in this file.</footer>;
}
