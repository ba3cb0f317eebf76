/** Names requests so that those of one kind have one name: `GET /users/:id`. */
import { attributesText } from '../attributes.ts';

/** What is known of a request before it is served. */
export interface RequestDescription {
  readonly name: string;
  /** Method and path as the text of a JSON object. Without the query: it may hold secrets. */
  readonly text: string;
}

/** Descriptions that are kept by method and URL; the next one empties them. */
const MAX_KNOWN = 2000;
const MAX_LENGTH = 120;
/** A number, a UUID, a long hexadecimal number, or a long token with a digit in it. */
const ID = /^(\d+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|(?=.*\d)[\w-]{20,})$/i;

const known = new Map<string, Map<string, RequestDescription>>();
let knownCount = 0;

/** @param url path with or without query and fragment. */
export function describeRequest(method: string, url: string): RequestDescription {
  const description = known.get(method)?.get(url);
  if (description !== undefined) return description;
  const path = /^[^?#]*/.exec(url)![0];
  const name = path
    .slice(0, MAX_LENGTH)
    .split('/')
    .map((part) => (ID.test(part) ? ':id' : part))
    .join('/');
  const made = { name: `${method} ${name}`, text: attributesText({ method, url: path }) };
  if (++knownCount > MAX_KNOWN) {
    known.clear();
    knownCount = 1;
  }
  const ofMethod = known.get(method) ?? new Map<string, RequestDescription>();
  known.set(method, ofMethod.set(url, made));
  return made;
}
