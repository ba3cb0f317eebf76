/** A table as it is: no links, no order to choose. For what stands below something else, and in the report. */
import { countText, type Table, unitText, usedColumns } from '@ttrace/analysis';
import type { Child } from 'hono/jsx';

interface PlainTableProps {
  readonly table: Table<unknown>;
  readonly maxRows: number;
  /** Where the rows are that are left out. */
  readonly restIs: string;
}

/** Renders the rows under their headings. */
export function PlainTable({ table, maxRows, restIs }: PlainTableProps): Child {
  const { rows, title } = table;
  const columns = usedColumns(table);
  return (
    <section class="scroll" aria-label={title} tabindex={0}>
      <table class="data">
        <thead>
          <tr>
            {columns.map(({ title: heading, help, unit }) => (
              <th scope="col" class={unit === 'text' ? 'text' : undefined} title={help}>
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, maxRows).map((row) => (
            <tr>
              {columns.map((column, at) => {
                const text = unitText(column.of(row), column.unit);
                const kind = column.unit === 'text' ? 'text' : undefined;
                return at === 0 ? (
                  <th scope="row" class={kind}>
                    {text}
                  </th>
                ) : (
                  <td class={kind}>{text}</td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > maxRows && (
        <p class="more">
          and {countText(rows.length - maxRows)} more, {restIs}
        </p>
      )}
    </section>
  );
}
