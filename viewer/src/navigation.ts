/** The pages that there are of a trace, as every page links to them. Those that would be empty are not there. */
import { Category } from '@ttrace/format';
import type { Subject } from './subject.ts';

/** A page that others link to. */
export interface PageEntry {
  /** Name of the page, '' for the home page. */
  readonly id: string;
  readonly label: string;
  /** What it answers, in a line. */
  readonly summary: string;
  /** Rows of its table, where it has one and that is known. */
  readonly rows?: number | undefined;
}

/** Where a page stands among the others. */
export interface Navigation {
  /** The page's own name. */
  readonly current: string;
  readonly entries: readonly PageEntry[];
}

const UTILIZATION: PageEntry = {
  id: 'utilization',
  label: 'utilization',
  summary: 'How available event loops were at worst, and what each thread did along the trace',
};

/**
 * The pages of a trace. In a large trace tables are counted after the first page has been answered; until then none is left out.
 * @param current name of the page that shows them.
 */
export function navigation(subject: Subject, current: string): Navigation {
  const { tables } = subject;
  const pages = tables.pages.filter(({ isEach }) => !isEach);
  if (subject.isSmall) for (const page of pages) tables.countRows(page);
  else tables.startWarming();
  return {
    current,
    entries: [
      { id: '', label: 'home', summary: 'What the trace holds' },
      { id: 'timeline', label: 'timeline', summary: 'Everything, on one clock' },
      ...pages
        .map(
          ({ id, summary }): PageEntry => ({
            id,
            label: id.replaceAll('-', ' '),
            summary,
            rows: tables.countOf(id),
          }),
        )
        .filter(({ rows }) => rows !== 0),
      ...(subject.trace.tracks.some(({ kind }) => kind === 'thread') ? [UTILIZATION] : []),
      ...(hasProfiles(subject)
        ? [{ id: 'profiles', label: 'profiles', summary: 'Where time went, as flame graphs' }]
        : []),
    ],
  };
}

/** Whether anything happened that a profile is made of; says so too often rather than look at all events. */
function hasProfiles({ trace: { strings } }: Subject): boolean {
  const { loop, wait, message, sample } = Category;
  return [loop, wait, message, sample].some((category) => strings.find(category) >= 0);
}
