/** Names requests so that those of one kind have one name: `GET /users/:id`. */
import { OTHER_NAME_ID } from '../ring.ts';
import { nameId } from '../thread-recorder.ts';
import { boundedNames } from './bounded-names.ts';

/** What is known of a request before it is served. */
export interface RequestDescription {
  /** Id of its name in this recording. */
  readonly label: number;
  /** Method and path as the text of a JSON object. */
  readonly text: string;
}

/** Descriptions that are kept by path; the next one empties them. */
const MAX_KNOWN = 2000;
const MAX_NAME_LENGTH = 120;
const MAX_PATH_LENGTH = 1000;
/** A number, a UUID, a long hexadecimal number, or a long token with a digit in it; an extension stays. */
const ID = /^(?:\d+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|(?=.*\d)[\w~+=%-]{20,})(\.[a-z]\w{0,7})?$/i;
/** Scheme and host of an absolute URL, as proxies are asked; there may be a password in it. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/** The path of a URL, relative or absolute. Without the query: it may hold secrets. */
export function pathOf(url: string): string {
  const path = url.startsWith('/') ? url : url.replace(ORIGIN, '');
  const end = path.search(/[?#]/);
  const length = Math.min(end < 0 ? path.length : end, MAX_PATH_LENGTH);
  return length === path.length ? path : path.slice(0, length);
}

/** Describes requests of one recording. */
export function requestDescriber(): (method: string, url: string) => RequestDescription {
  const labelOf = boundedNames(nameId);
  const known = new Map<string, Map<string, RequestDescription>>();
  let count = 0;
  return (method, url) => {
    // hot: a lookup for paths seen before, 1 us otherwise.
    const query = url.indexOf('?');
    const key = query < 0 ? url : url.slice(0, query);
    const description = known.get(method)?.get(key);
    if (description !== undefined) return description;
    const path = pathOf(key);
    const made = {
      label: labelOf(`${method} ${pathName(path)}`, `${method} (other)`),
      text: `{"method":${JSON.stringify(method)},"url":${JSON.stringify(path)}}`,
    };
    if (made.label === OTHER_NAME_ID) return made;
    if (++count > MAX_KNOWN) {
      known.clear();
      count = 1;
    }
    const ofMethod = known.get(method) ?? new Map<string, RequestDescription>();
    known.set(method, ofMethod.set(key, made));
    return made;
  };
}

function pathName(path: string): string {
  const short = path.length > MAX_NAME_LENGTH ? `${path.slice(0, MAX_NAME_LENGTH)}…` : path;
  if (!/\d/.test(short)) return short;
  return short
    .split('/')
    .map((part) => part.replace(ID, ':id$1'))
    .join('/');
}
