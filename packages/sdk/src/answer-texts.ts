/**
 * What served requests were answered with, as the texts of their attributes. Threads say it as a number (`RecordKind.requestEnd`);
 * answers that come again are the same text again, which writers find faster than they encode it.
 */
import { ANSWER_STATUSES } from './ring.ts';

/** Answers that are kept for each route: those that came last, from the second time on. */
const PLACES = 512;
/** Routes that are kept; the next one empties them. */
const MAX_ROUTES = 200;

/** The text of an answer; `route` is the JSON of more attributes, which stand behind the status, or ''. */
export type AnswerText = (answer: number, route: string) => string;

interface Answers {
  /** What was seen last in each place, and its text once it has come twice. */
  readonly seen: Float64Array;
  readonly texts: (string | undefined)[];
}

export function createAnswerTexts(): AnswerText {
  const routes = new Map<string, Answers>();
  const plain = answers();
  return (answer, route) => {
    // hot: one a request.
    const { seen, texts } = route === '' ? plain : ofRoute(routes, route);
    const place = (answer ^ Math.floor(answer / ANSWER_STATUSES)) & (PLACES - 1);
    if (seen[place] !== answer) {
      seen[place] = answer;
      texts[place] = undefined;
      return answerText(answer, route);
    }
    let text = texts[place];
    if (text === undefined) {
      text = answerText(answer, route);
      texts[place] = text;
    }
    return text;
  };
}

function answers(): Answers {
  return { seen: new Float64Array(PLACES), texts: [] };
}

function ofRoute(routes: Map<string, Answers>, route: string): Answers {
  let known = routes.get(route);
  if (known === undefined) {
    if (routes.size >= MAX_ROUTES) routes.clear();
    known = answers();
    routes.set(route, known);
  }
  return known;
}

/** The text of one answer, made anew. */
export function answerText(answer: number, route: string): string {
  const bytes = Math.floor(answer / ANSWER_STATUSES) - 1;
  const where = route === '' ? '' : `,${route.slice(1, -1)}`;
  return `{"status":${answer % ANSWER_STATUSES}${where}${bytes < 0 ? '' : `,"responseBytes":${bytes}`}}`;
}
