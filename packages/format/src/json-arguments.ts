/**
 * Ends the events of JsonWriter: the task and the other arguments, which come as the text of a JSON object, and the closing
 * brace. Texts that come again are kept as words.
 */
import type { JsonWordOutput } from './json-word-output.ts';
import { textWords } from './json-words.ts';
import { RecentTexts } from './recent-texts.ts';

/** Room that the end of an event without arguments of its own needs. */
const ROOM = 64;

const [TASK_0, TASK_1, TASK_2, TASK_3] = [...textWords(',"args":{"task":')] as [
  number,
  number,
  number,
  number,
];
const [CLOSE] = [...textWords('}')] as [number];
const [CLOSE_BOTH] = [...textWords('}}')] as [number];

export class JsonArguments {
  readonly #out: JsonWordOutput;
  /** With the end of the event, by their text: of events with a task, and of those without. */
  readonly #behindTask = new RecentTexts<Int32Array>();
  readonly #alone = new RecentTexts<Int32Array>();

  constructor(out: JsonWordOutput) {
    this.#out = out;
  }

  /** Ends an event that has no arguments but its task at word `w`, where there is room; returns the next word. */
  endPlain(w: number, task: number): number {
    // hot
    const { words } = this.#out;
    if (task === 0) {
      words[w] = CLOSE;
      return w + 1;
    }
    const next = this.#task(w, task);
    words[next] = CLOSE_BOTH;
    return next + 1;
  }

  /** Ends any event. */
  end(task: number, args: string | undefined): void {
    const out = this.#out;
    out.pad();
    out.reserve(ROOM);
    if (args === undefined || args === '' || args === '{}') {
      out.at = this.endPlain(out.at >> 2, task) << 2;
    } else if (task === 0) this.#own(this.#alone, task, args);
    else {
      out.at = this.#task(out.at >> 2, task) << 2;
      this.#own(this.#behindTask, task, args);
    }
    out.end();
  }

  #task(w: number, task: number): number {
    const { words } = this.#out;
    words[w] = TASK_0;
    words[w + 1] = TASK_1;
    words[w + 2] = TASK_2;
    words[w + 3] = TASK_3;
    return this.#out.integer(w + 4, task);
  }

  #own(known: RecentTexts<Int32Array>, task: number, args: string): void {
    const words = known.find(args);
    if (words !== undefined) {
      this.#out.copy(words);
      return;
    }
    const text = task === 0 ? `,"args":${args}}` : `,${args.slice(1)}}`;
    if (known.isRepeated(args)) known.keep(args, textWords(text));
    this.#out.text(text);
  }
}
