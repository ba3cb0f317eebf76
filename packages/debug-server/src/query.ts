/** What requests say in their query, checked as Go's `net/http/pprof` does. */
import { HttpProblem } from './http-problem.ts';
import type { InspectedThread } from './inspected-threads.ts';

/** Go takes its default for what is no number, or too little. @throws HttpProblem for what takes too long. */
export function secondsOrDefault(
  query: URLSearchParams,
  standard: number,
  most: number,
  isWhole: boolean,
): number {
  const text = query.get('seconds') ?? '';
  const seconds = (isWhole ? /^\+?\d+$/ : /^\+?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i).test(text)
    ? Number(text)
    : 0;
  return checkDuration(seconds > 0 ? seconds : standard, most);
}

/** For profiles that can be a difference; undefined where the query has none. @throws HttpProblem */
export function deltaSeconds(query: URLSearchParams, most: number): number | undefined {
  const text = query.get('seconds');
  if (text === null || text === '') return undefined;
  if (!/^\+?\d+$/.test(text) || Number(text) === 0) {
    throw new HttpProblem(400, 'invalid value for "seconds": it must be a whole number above 0');
  }
  if (debugLevel(query) !== 0) throw new HttpProblem(400, '"seconds" and "debug" do not go together');
  return checkDuration(Number(text), most);
}

/** 0 where there is none. */
export function debugLevel(query: URLSearchParams): number {
  return Number.parseInt(query.get('debug') ?? '', 10) || 0;
}

/** Whether garbage is to be collected before. */
export function wantsCollection(query: URLSearchParams): boolean {
  return (Number.parseInt(query.get('gc') ?? '', 10) || 0) > 0;
}

/** Which threads `?thread=` means: ids (0 is the main thread), with commas between them, or `main`; all where it is absent. @throws HttpProblem */
export function threadFilter(query: URLSearchParams): (thread: InspectedThread) => boolean {
  const text = query.get('thread');
  if (text === null || text === '' || text === 'all') return () => true;
  const ids = text.split(',').map((part) => (part === 'main' ? '0' : part));
  if (ids.some((id) => !/^\d{1,9}$/.test(id))) {
    throw new HttpProblem(400, 'invalid value for "thread": it must be ids of threads, 0 for the main one');
  }
  const wanted = new Set(ids.map(Number));
  return ({ id }) => wanted.has(id);
}

function checkDuration(seconds: number, most: number): number {
  if (seconds <= most) return seconds;
  throw new HttpProblem(400, `profile duration exceeds the server's bound of ${most} s (maxSeconds)`);
}
