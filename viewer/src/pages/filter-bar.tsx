/** Which part of the trace a table shows: what narrows it, each to be taken away, and a form to narrow it further. */
import type { Child } from 'hono/jsx';
import { type FilterField, FORM_MARK, filterEntries, WHERE } from '../filter-query.ts';
import type { Links } from '../links.ts';
import type { TableView } from '../table-view.ts';

interface FilterBarProps {
  readonly view: TableView;
  readonly links: Links;
}

/** Chips and form; works without scripts. */
export function FilterBar({ view, links }: FilterBarProps): Child {
  const { query } = view;
  const { id, fields } = view.page;
  const entries = filterEntries(query.filter);
  const conditions = query.where ?? [];
  return (
    <div class="filter">
      {entries.length + conditions.length > 0 && (
        <ul class="chips" aria-label="Only">
          {entries.map(({ field, text }) => {
            const isUsed = fields.some(({ name }) => name === field.name);
            return (
              <li class={isUsed ? undefined : 'unused'}>
                {field.label}: <b>{text === '' ? '(empty)' : text}</b>
                {!isUsed && ' (does not narrow this table)'}
                <a
                  href={links.page(id, {
                    ...query,
                    filter: { ...query.filter, [field.name]: undefined },
                    page: 1,
                  })}
                  aria-label={`Take away ${field.label} ${text}`}
                >
                  ×
                </a>
              </li>
            );
          })}
          {conditions.map((condition, at) => (
            <li>
              <b>{condition}</b>
              <a
                href={links.page(id, {
                  ...query,
                  where: conditions.filter((_, each) => each !== at),
                  page: 1,
                })}
                aria-label={`Take away ${condition}`}
              >
                ×
              </a>
            </li>
          ))}
          <li class="all">
            <a href={links.page(id, { sort: query.sort, order: query.order })}>show all</a>
          </li>
        </ul>
      )}
      {fields.length > 0 && <FilterForm view={view} />}
    </div>
  );
}

function FilterForm({ view: { query, page } }: { readonly view: TableView }): Child {
  const { id, fields, command } = page;
  const entries = filterEntries(query.filter);
  return (
    <details>
      <summary>Filter</summary>
      <form class="fields" action={`/${id}`} method="get">
        <input type="hidden" name={FORM_MARK} value="1" />
        {query.sort !== undefined && <input type="hidden" name="sort" value={query.sort} />}
        {query.order !== undefined && <input type="hidden" name="order" value={query.order} />}
        {fields.map((field) => (
          <Field field={field} value={entries.find((each) => each.field.name === field.name)?.text ?? ''} />
        ))}
        {(query.where ?? []).map((condition) => (
          <input type="hidden" name={WHERE} value={condition} />
        ))}
        <p>
          <label for="filter-where">Column</label>
          <input
            id="filter-where"
            name={WHERE}
            value=""
            placeholder="total>5ms, count>=10"
            autocomplete="off"
            spellcheck={false}
          />
        </p>
        <button type="submit">Apply</button>
      </form>
      <p class="hint">
        The same filter on the command line:{' '}
        <code>
          ttrace{' '}
          {[
            command,
            ...entries.map(optionText),
            ...(query.where ?? []).map((condition) => `--where ${shellWord(condition)}`),
          ].join(' ')}
        </code>
      </p>
    </details>
  );
}

function Field({ field, value }: { field: FilterField; value: string }): Child {
  const { name, kind, label, hint } = field;
  const inputId = `filter-${name}`;
  return (
    <p>
      <label for={inputId}>{label}</label>
      {kind === 'claim' ? (
        <select id={inputId} name={name}>
          <option value="">either</option>
          <option value="true" selected={value === 'true'}>
            yes
          </option>
          <option value="false" selected={value === 'false'}>
            no
          </option>
        </select>
      ) : (
        <input
          id={inputId}
          name={name}
          value={value}
          placeholder={hint}
          autocomplete="off"
          spellcheck={false}
        />
      )}
    </p>
  );
}

function optionText({ field, text }: { readonly field: FilterField; readonly text: string }): string {
  return `--${field.name} ${shellWord(text)}`;
}

/** A word as a POSIX shell takes it. */
export function shellWord(text: string): string {
  return /^[\w.:/=@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
