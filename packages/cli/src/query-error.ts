/** What is wrong with a query, in one line with its place, from what DuckDB says in several with an arrow. */

const PLACE = /\n\s*LINE (\d+): (.*)\n( *)\^/;
/** What the library says where there is nothing to extract: comments and semicolons alone. */
const NOTHING = 'Error in native callback';
const PREFIX = /^Failed to extract statements: /;

/** @param sql as it was asked. */
export function queryErrorText(message: string, sql: string): string {
  if (message === NOTHING) return 'there is no statement in this SQL';
  const place = PLACE.exec(message);
  const said = (place === null ? message : message.slice(0, place.index))
    .replace(PREFIX, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('. ')
    .replaceAll('!.', '.');
  if (place === null) return said;
  const [, line = '1', shown = '', spaces = ''] = place;
  const column = spaces.length - `LINE ${line}: `.length + 1;
  return `${said} (line ${line}, column ${column + cutBefore(sql, Number(line), shown)})`;
}

/** How much of a long line is not shown before the part that is. */
function cutBefore(sql: string, line: number, shown: string): number {
  if (!shown.startsWith('...')) return 0;
  const part = shown.slice(3).replace(/\.\.\.$/, '');
  const at = (sql.split('\n')[line - 1] ?? '').indexOf(part);
  return at < 0 ? 0 : at - 3;
}
