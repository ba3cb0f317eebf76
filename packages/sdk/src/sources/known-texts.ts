/**
 * Texts that are few and come again and again, such as the attributes of HTTP requests: one that has come twice is defined as
 * a name and from then on only named. Texts that never come again stay what they are and take no memory.
 */
import { OTHER_NAME_ID } from '../ring.ts';
import { sourceName } from '../thread-recorder.ts';

/** Texts of one source that are kept; names are what a thread has 16,384 of. */
const MAX_TEXTS = 1000;
/** Longer ones are rarely the same. */
const MAX_LENGTH = 300;
/** Places for texts that have come once. */
const SEEN = 256;

/** Id of a text for `recordWithTextOf`, 0 for none. For one recording, as the ids are. */
export type TextId = (text: string) => number;

export function knownTexts(): TextId {
  const ids = new Map<string, number>();
  const seen: (string | undefined)[] = new Array(SEEN).fill(undefined);
  const define = (text: string): number => {
    const { length } = text;
    if (length > MAX_LENGTH || ids.size >= MAX_TEXTS) return 0;
    const place = (length * 31 + text.charCodeAt(length - 2) * 7 + text.charCodeAt(length >> 1)) & (SEEN - 1);
    if (seen[place] !== text) {
      seen[place] = text;
      return 0;
    }
    const id = sourceName('', text);
    if (id === OTHER_NAME_ID) return 0;
    ids.set(text, id);
    return id;
  };
  return (text) => ids.get(text) ?? define(text);
}
