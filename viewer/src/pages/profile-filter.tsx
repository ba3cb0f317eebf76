/** Which part of the trace a profile is of: what narrows it, each to be taken away, and a form. Works without scripts. */
import type { Child } from 'hono/jsx';
import { FILTER_FIELDS, FORM_MARK, filterEntries } from '../filter-query.ts';
import { type ProfileQuery, printProfileQuery } from '../profile-query.ts';
import { shellWord } from './filter-bar.tsx';

/** Chips and form. */
export function ProfileFilter({ query }: { readonly query: ProfileQuery }): Child {
  const { type, filter, region } = query;
  const chips = filterEntries(filter).map(({ field, text }) => ({
    label: field.label,
    text,
    without: { ...query, filter: { ...filter, [field.name]: undefined } },
  }));
  if (region !== undefined) {
    chips.unshift({ label: 'Within regions', text: region, without: { ...query, region: undefined } });
  }
  return (
    <div class="filter">
      {chips.length > 0 && (
        <ul class="chips" aria-label="Only">
          {chips.map(({ label, text, without }) => (
            <li>
              {label}: <b>{text === '' ? '(empty)' : text}</b>
              <a
                href={`/profile${printProfileQuery({ ...without, focus: 0 })}`}
                aria-label={`Take away ${label} ${text}`}
              >
                ×
              </a>
            </li>
          ))}
          <li class="all">
            <a href={`/profile${printProfileQuery({ type })}`}>show all</a>
          </li>
        </ul>
      )}
      <details>
        <summary>Filter</summary>
        <Form query={query} />
        <p class="hint">
          The same profile on the command line: <code>{commandText(query)}</code>
        </p>
      </details>
    </div>
  );
}

function Form({ query: { type, filter, region } }: { readonly query: ProfileQuery }): Child {
  const given = new Map(filterEntries(filter).map(({ field, text }) => [field.name, text]));
  const fields = FILTER_FIELDS.filter(({ kind }) => kind !== 'claim');
  return (
    <form class="fields" action="/profile" method="get">
      <input type="hidden" name={FORM_MARK} value="1" />
      <input type="hidden" name="type" value={type} />
      {filter.complete !== undefined && (
        <input type="hidden" name="complete" value={String(filter.complete)} />
      )}
      <Field name="region" label="Within regions" value={region ?? ''} hint="name: only time inside" />
      {fields.map(({ name, label, hint }) => (
        <Field {...{ name, label, hint, value: given.get(name) ?? '' }} />
      ))}
      <button type="submit">Apply</button>
    </form>
  );
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly hint: string;
}

function Field({ name, label, value, hint }: FieldProps): Child {
  const id = `profile-${name}`;
  return (
    <p>
      <label for={id}>{label}</label>
      <input {...{ id, name, value, placeholder: hint }} autocomplete="off" spellcheck={false} />
    </p>
  );
}

function commandText({ type, filter, region }: ProfileQuery): string {
  const options = filterEntries(filter).map(({ field, text }) => `--${field.name} ${shellWord(text)}`);
  if (region !== undefined) options.unshift(`--region ${shellWord(region)}`);
  return ['ttrace pprof FILE --type', type, ...options, `-o ${type}.pb.gz`].join(' ');
}
