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
  /** Id of that text, 0 as long as it has none; whoever records it sets it. */
  textId: number;
}

/** Descriptions of a method that are kept by path; the next one empties them. */
const MAX_KNOWN = 2000;
/** Names of one method; there are few methods, for Node.js takes only those that it knows. */
const MAX_NAMES_OF_METHOD = 400;
const MAX_NAME_LENGTH = 120;
const MAX_PATH_LENGTH = 1000;
/** A number, a UUID, a long hexadecimal number, or a long token with a digit in it; an extension stays. */
const ID = /^(?:\d+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|(?=.*\d)[\w~+=%-]{20,})(\.[a-z]\w{0,7})?$/i;
const [SLASH, ZERO, NINE] = [0x2f, 0x30, 0x39] as const;
/** Scheme and host of an absolute URL, as proxies are asked; there may be a password in it. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/** The path of a URL, relative or absolute. Without the query: it may hold secrets. */
export function pathOf(url: string): string {
  const path = url.startsWith('/') ? url : url.replace(ORIGIN, '');
  return until(until(path, '?'), '#').slice(0, MAX_PATH_LENGTH);
}

/** What is the same for all requests of one method. */
interface Method {
  /** Begin of their text. */
  readonly text: string;
  readonly known: Map<string, RequestDescription>;
  readonly labelOf: (pathName: string, instead: string) => number;
}

/** Describes requests of one recording. */
export function requestDescriber(): (method: string, url: string) => RequestDescription {
  const methods = new Map<string, Method>();
  return (method, url) => {
    // hot: a lookup for paths seen before; 1 us otherwise.
    let ofMethod = methods.get(method);
    if (ofMethod === undefined) {
      ofMethod = {
        text: `{"method":${JSON.stringify(method)},"url":`,
        known: new Map(),
        labelOf: boundedNames((name) => nameId(`${method} ${name}`), MAX_NAMES_OF_METHOD),
      };
      methods.set(method, ofMethod);
    }
    const { text, known, labelOf } = ofMethod;
    const key = until(url, '?');
    const description = known.get(key);
    if (description !== undefined) return description;
    const path = pathOf(key);
    const made = {
      label: labelOf(pathName(path.slice(0, MAX_NAME_LENGTH)), '(other)'),
      text: `${text}${JSON.stringify(path)}}`,
      textId: 0,
    };
    if (made.label === OTHER_NAME_ID) return made;
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, made);
    return made;
  };
}

function until(text: string, mark: string): string {
  const at = text.indexOf(mark);
  return at < 0 ? text : text.slice(0, at);
}

/** The path with `:id` for what looks like one. */
function pathName(path: string): string {
  // hot: one look at each character, for many paths have never been seen before.
  let name = '';
  let copied = 0;
  let from = 0;
  let digits = 0;
  for (let i = 0; i <= path.length; i++) {
    const unit = i === path.length ? SLASH : path.charCodeAt(i);
    if (unit >= ZERO && unit <= NINE) digits++;
    if (unit !== SLASH) continue;
    // Numbers are the most frequent; whatever has no digit is none.
    const extension =
      digits === 0 ? undefined : digits === i - from ? '' : extensionOfId(path.slice(from, i));
    if (extension !== undefined) {
      name += `${path.slice(copied, from)}:id${extension}`;
      copied = i;
    }
    from = i + 1;
    digits = 0;
  }
  return copied === 0 ? path : name + path.slice(copied);
}

/** What stands behind an id, '' for nothing; undefined if it is none. */
function extensionOfId(segment: string): string | undefined {
  const match = ID.exec(segment);
  return match === null ? undefined : (match[1] ?? '');
}
