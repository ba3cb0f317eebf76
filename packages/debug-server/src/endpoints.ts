/** What each path answers. After Go's `net/http/pprof`: its parameters, its file names, its errors. */
import { encodePprof } from '@ttrace/pprof';
import { takeCpuProfile } from './cpu-profile.ts';
import { takeCpuTimeProfile } from './cpu-time-profile.ts';
import type { Answer, Exchange } from './exchange.ts';
import { seeThreads } from './goroutine-profile.ts';
import { HttpProblem } from './http-problem.ts';
import { indexPage } from './index-page.ts';
import { profileText, stacksText } from './profile-text.ts';
import { type NamedProfile, PROFILES, type Subject, snapshotOf, threadsIn } from './profiles.ts';
import { debugLevel, deltaSeconds, secondsOrDefault, threadFilter, wantsCollection } from './query.ts';
import type { TakenProfile } from './taken-profile.ts';
import { captureTrace, captureWindow, checkFormat } from './trace-capture.ts';

/** What endpoints are about. */
export interface Served extends Subject {
  readonly program: string;
  readonly commandLine: readonly string[];
  readonly maxSeconds: number;
}

/** Answers one path. */
export type Endpoint = (served: Served, exchange: Exchange) => Promise<Answer>;

const TEXT = 'text/plain; charset=utf-8';
const BINARY = 'application/octet-stream';
/** Go's defaults. */
const PROFILE_SECONDS = 30;
const TRACE_SECONDS = 1;

/** What is being captured now: one of a kind at a time. One server a process, so one set. */
const busy = new Set<string>();

/** By path; undefined where there is nothing. */
export function endpointAt(path: string): Endpoint | undefined {
  return ENDPOINTS.get(path);
}

const trace: Endpoint = async ({ recorder, maxSeconds }, { query, signal }) => {
  const seconds = secondsOrDefault(query, TRACE_SECONDS, maxSeconds, false);
  const format = checkFormat(query.get('format'));
  return alone('trace', 'Could not enable tracing', () => captureTrace(recorder, format, seconds, signal));
};

const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
  ['/debug/pprof', async () => moved()],
  ['/debug/pprof/', index],
  ['/debug/pprof/profile', profile],
  ['/debug/pprof/trace', trace],
  ['/debug/pprof/cmdline', async ({ commandLine }) => ({ type: TEXT, body: commandLine.join('\0') })],
  ['/debug/pprof/symbol', symbol],
  ['/debug/trace', trace],
  [
    '/debug/flight',
    ({ recorder }, { query }) =>
      alone('flight', 'Could not write the window', () =>
        captureWindow(recorder, checkFormat(query.get('format'))),
      ),
  ],
  ...PROFILES.map((named): [string, Endpoint] => [
    `/debug/pprof/${named.name}`,
    (served, exchange) => namedProfile(named, served, exchange),
  ]),
]);

function moved(): never {
  throw new HttpProblem(301, 'it is at /debug/pprof/', { Location: '/debug/pprof/' });
}

async function index(served: Served, { query }: Exchange): Promise<Answer> {
  const snapshot = await snapshotOf(served);
  const threads = served.threads?.list().length ?? 0;
  const sum = (stacks: readonly { readonly count: number }[] = []): number =>
    stacks.reduce((total, { count }) => total + count, 0);
  const { failure } = served.recorder;
  const notes = [
    ...(failure === undefined
      ? []
      : [`Nothing is recorded, so there is no block, mutex and trace: ${failure}.`]),
    ...(served.noInspector === undefined ? [] : [`Threads cannot be asked: ${served.noInspector}.`]),
    ...(served.heap !== undefined || served.threads === undefined ? [] : ['The heap is not sampled.']),
  ];
  const counts = {
    goroutine: threads + (snapshot?.live.length ?? 0),
    threadcreate: threads,
    ...(snapshot === undefined ? {} : { block: sum(snapshot.blocks), mutex: sum(snapshot.waits) }),
  };
  const token = query.get('token') ?? undefined;
  const body = indexPage({ program: served.program, pid: process.pid, counts, notes, token });
  return { type: 'text/html; charset=utf-8', body };
}

async function profile(served: Served, { query, signal }: Exchange): Promise<Answer> {
  const seconds = secondsOrDefault(query, PROFILE_SECONDS, served.maxSeconds, true);
  const isWanted = threadFilter(query);
  const isExact = query.get('exact') !== '0';
  const take = query.get('clock') === 'cpu' ? takeCpuTimeProfile : takeCpuProfile;
  const taken = await alone('profile', 'Could not enable CPU profiling', () =>
    take(served, { seconds, isWanted, isExact, signal }),
  );
  return fileOf(served, taken, 'profile');
}

async function namedProfile(named: NamedProfile, served: Served, exchange: Exchange): Promise<Answer> {
  const { query, signal } = exchange;
  const { name, valueTypes, periodType, period } = named;
  const debug = debugLevel(query);
  const seconds = deltaSeconds(query, served.maxSeconds);
  const isWanted = threadFilter(query);
  if (name === 'goroutine' && debug >= 2) {
    const threads = threadsIn(served).list().filter(isWanted);
    const [seen, snapshot] = await Promise.all([
      seeThreads(threads, served.pending !== undefined),
      snapshotOf(served),
    ]);
    return { type: TEXT, body: stacksText(seen, snapshot) };
  }
  const beginMillis = Date.now();
  const take = (): ReturnType<NamedProfile['take']> =>
    named.take(served, { isWanted, seconds, collect: wantsCollection(query), signal });
  const isCapture = seconds !== undefined || name === 'allocs';
  const { profile, comments } = await (isCapture ? alone(name, `Could not capture ${name}`, take) : take());
  const durationNanos = seconds === undefined ? 0 : seconds * 1e9;
  const taken = { ...profile, valueTypes, periodType, period, beginMillis, durationNanos, comments };
  if (debug > 0) return { type: TEXT, body: profileText(name, taken) };
  return fileOf(served, taken, seconds === undefined ? name : `${name}-delta`);
}

function fileOf({ program }: Served, taken: TakenProfile, filename: string): Answer {
  const { beginMillis, ...rest } = taken;
  const body = encodePprof({ ...rest, timeNanos: BigInt(beginMillis) * 1_000_000n, program });
  return { type: BINARY, body, filename };
}

/** Addresses are asked of programs without names in their profiles. */
async function symbol(): Promise<Answer> {
  return { type: TEXT, body: 'num_symbols: 1\n' };
}

/** @throws HttpProblem while another capture of this kind goes on. */
async function alone<T>(kind: string, complaint: string, capture: () => Promise<T>): Promise<T> {
  if (busy.has(kind)) {
    throw new HttpProblem(500, `${complaint}: another capture of it goes on; ask again when it is over`);
  }
  busy.add(kind);
  try {
    return await capture();
  } finally {
    busy.delete(kind);
  }
}
