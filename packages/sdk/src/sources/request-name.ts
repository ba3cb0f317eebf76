/** Names requests so that those of one kind have one name: `GET /users/:id`. */

/** Names that are kept by URL; the next one empties them. */
const MAX_KNOWN = 2000;
const MAX_LENGTH = 120;
/** A number, a UUID, a long hexadecimal number, or a long token with a digit in it. */
const ID = /^(\d+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|(?=.*\d)[\w-]{20,})$/i;

const known = new Map<string, string>();

/** @param url path with or without query and fragment. */
export function requestName(method: string, url: string): string {
  const key = `${method} ${url}`;
  let name = known.get(key);
  if (name !== undefined) return name;
  const path = /^[^?#]*/.exec(url)![0].slice(0, MAX_LENGTH);
  name = `${method} ${path
    .split('/')
    .map((part) => (ID.test(part) ? ':id' : part))
    .join('/')}`;
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(key, name);
  return name;
}
