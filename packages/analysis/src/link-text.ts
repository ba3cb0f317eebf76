/** What a link of a table is to a program: the command that prints its rows, and the address of its page. */
import { FILTER_NAMES, type Filter } from './filter.ts';
import type { TableLink } from './table.ts';

/** `ttrace blockers trace.json --each --name='hash auth.js:12'`, quoted for a POSIX shell. */
export function linkCommand({ page, filter }: TableLink, file: string): string {
  const [table, each] = page.split('/');
  const options = fieldsOf(filter).map(([name, value]) => `--${name}=${shellWord(value)}`);
  return ['ttrace', table, shellWord(file), ...(each === undefined ? [] : ['--each']), ...options].join(' ');
}

/** `/blockers/each?name=hash+auth.js%3A12`: a path of the viewer. */
export function linkPath({ page, filter }: TableLink): string {
  const query = new URLSearchParams(fieldsOf(filter)).toString();
  return query === '' ? `/${page}` : `/${page}?${query}`;
}

/** The fields that a filter gives, as options and addresses take them. */
function fieldsOf(filter: Filter): [string, string][] {
  return FILTER_NAMES.flatMap((name): [string, string][] => {
    const value = filter[name];
    if (value === undefined) return [];
    return [[name, typeof value === 'number' ? `${value}ns` : String(value)]];
  });
}

function shellWord(text: string): string {
  return /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
