/**
 * Text as 32-bit words of four characters, in this machine's byte order: the tables that JsonWordOutput copies digits and
 * punctuation from. Texts are padded with spaces at their end, numbers at their begin.
 */

const encoder = new TextEncoder();

/** Four digits with leading zeros, `0042`, by number. */
export const ZEROS: Int32Array = digitWords((n) => String(n).padStart(4, '0'), 10_000);
/** Up to four digits behind spaces, `  42`, by number. */
export const SPACES: Int32Array = digitWords((n) => String(n).padStart(4, ' '), 10_000);
/** Three decimals, `.042`, by number. */
export const FRACTION: Int32Array = digitWords((n) => `.${String(n).padStart(3, '0')}`, 1000);

/** The UTF-8 bytes of a text as words, spaces added at the end. */
export function textWords(text: string): Int32Array {
  const utf8 = encoder.encode(text);
  const bytes = new Uint8Array(Math.ceil(utf8.length / 4) * 4).fill(0x20);
  bytes.set(utf8);
  return new Int32Array(bytes.buffer);
}

function digitWords(render: (n: number) => string, count: number): Int32Array {
  const words = new Int32Array(count);
  for (let n = 0; n < count; n++) words[n] = textWords(render(n))[0]!;
  return words;
}
