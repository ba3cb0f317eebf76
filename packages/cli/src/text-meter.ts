/** Measures the text form of a trace: a line an event. */
import type { Meter, Tally } from './tally.ts';

const EVENT = /^(slice|instant|flow-out|flow-step|flow-in|counter) \S+ \S+ (\S+)(?: (\S+))?/;

export class TextMeter implements Meter {
  readonly #tally: Tally;
  readonly #decoder = new TextDecoder('latin1');
  #rest = '';

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  push(chunk: Uint8Array): void {
    // Latin-1: a character a byte.
    const lines = (this.#rest + this.#decoder.decode(chunk)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    const [, kind, second, third] = EVENT.exec(line) ?? [];
    if (kind === undefined) return;
    const category = kind === 'counter' ? '' : kind === 'instant' ? second : third;
    const shown = category === undefined || category === '-' || category === '' ? '' : ` ${category}`;
    this.#tally.add(kind + shown, line.length + 1, 1);
  }
}
