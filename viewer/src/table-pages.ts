/** The pages that show tables: one for each table of the analysis, and one for the same things one by one where there is such a list. */
import { type Filter, TABLES, type Table, type TableQuestion, type TraceIndex } from '@ttrace/analysis';
import { FILTER_FIELDS, type FilterField } from './filter-query.ts';

/** A page that shows a table. */
export interface TablePage {
  /** Its address without the leading slash: `tasks`, `tasks/each`. */
  readonly id: string;
  /** Id of the table that it belongs to, the same for both. */
  readonly family: string;
  /** What prints the same table: `tasks FILE --each`. */
  readonly command: string;
  /** What it answers, in a line. */
  readonly summary: string;
  /** Whether it lists one by one what its sibling groups. */
  readonly isEach: boolean;
  /** The page with the same things grouped, or one by one. */
  readonly sibling: string | undefined;
  /** Fields that narrow it. */
  readonly fields: readonly FilterField[];
  readonly table: (index: TraceIndex, filter: Filter) => Table<unknown>;
}

/** All pages of tables, in the order in which they are listed. */
export const TABLE_PAGES: readonly TablePage[] = tablePages(TABLES);

/** The pages for these tables. */
export function tablePages(questions: readonly TableQuestion[]): readonly TablePage[] {
  return questions.flatMap(({ id, summary, filters, table, each }): TablePage[] => {
    const fields = FILTER_FIELDS.filter(({ name }) => filters?.includes(name) ?? true);
    const common = { family: id, summary, fields };
    const eachId = `${id}/each`;
    const command = `${id} FILE`;
    const grouped = { ...common, id, command, isEach: false, table, sibling: each && eachId };
    if (each === undefined) return [grouped];
    const single = { ...common, id: eachId, command: `${command} --each`, isEach: true, table: each };
    return [grouped, { ...single, sibling: id }];
  });
}
