/**
 * Text as 32-bit words of four characters, in this machine's byte order: the tables that JsonWordOutput copies digits and
 * punctuation from. Texts are padded with spaces at their end, numbers at their begin.
 */

const encoder = new TextEncoder();

/** Four digits with leading zeros, `0042`, by number. */
export const ZEROS: Int32Array = digitWords(10_000, '0');
/** Up to four digits behind spaces, `  42`, by number. */
export const SPACES: Int32Array = digitWords(10_000, ' ');
/** Three decimals, `.042`, by number. */
export const FRACTION: Int32Array = digitWords(1000, '0', '.');

/** The UTF-8 bytes of a text as words, spaces added at the end. */
export function textWords(text: string): Int32Array {
  const utf8 = encoder.encode(text);
  const bytes = new Uint8Array(Math.ceil(utf8.length / 4) * 4).fill(0x20);
  bytes.set(utf8);
  return new Int32Array(bytes.buffer);
}

/** @param filler stands before a number's own digits, and `first` in place of the first of four characters. */
function digitWords(count: number, filler: string, first = ''): Int32Array {
  // Made at every start of a program that records: arithmetic takes a hundredth of what as many strings take.
  const bytes = new Uint8Array(count * 4);
  for (let n = 0; n < count; n++) {
    let rest = n;
    for (let at = n * 4 + 3; at >= n * 4; at--) {
      const isOwn = rest > 0 || at === n * 4 + 3;
      bytes[at] = isOwn ? 0x30 + (rest % 10) : filler.charCodeAt(0);
      rest = Math.floor(rest / 10);
    }
    if (first !== '') bytes[n * 4] = first.charCodeAt(0);
  }
  return new Int32Array(bytes.buffer);
}
