/** The profiles that have an endpoint of their name: what each is, how it is taken, and what it counts. */
import type { DebugSnapshot } from '@ttrace/sdk/debug';
import { CONTENTION_TYPES, countedProfile } from './counted-profile.ts';
import { pause } from './deadline.ts';
import {
  GOROUTINE_TYPES,
  goroutineProfile,
  newWork,
  type SeenThread,
  seeThreads,
} from './goroutine-profile.ts';
import { BYTES_PER_SAMPLE, type HeapSampling } from './heap-sampling.ts';
import { HttpProblem } from './http-problem.ts';
import type { InspectedThread, InspectedThreads } from './inspected-threads.ts';
import type { PendingStacks } from './pending-stacks.ts';
import { type BuiltProfile, ProfileBuilder, type ValueTypes } from './profile-builder.ts';
import type { RecorderClient } from './recorder-client.ts';
import { subtractProfile } from './subtract-profile.ts';

/** What profiles are taken of. */
export interface Subject {
  /** undefined where the inspector cannot be used. */
  readonly threads: InspectedThreads | undefined;
  /** Why it cannot be. */
  readonly noInspector: string | undefined;
  /** undefined where it is off. */
  readonly heap: HeapSampling | undefined;
  readonly recorder: RecorderClient;
  /** Whether threads note all the time what they begin. */
  readonly pending: PendingStacks | undefined;
  /** Whether the program measures its coverage, which profiles must not disturb. */
  readonly isCovered: boolean;
  /** Path of @datadog/pprof, if the program has it. */
  readonly cpuTimeModule: string | undefined;
}

/** What is asked. */
export interface ProfileQuery {
  readonly isWanted: (thread: InspectedThread) => boolean;
  readonly collect: boolean;
  /** The difference that so many seconds make; undefined for all of it. */
  readonly seconds: number | undefined;
  readonly signal: AbortSignal;
}

/** What was found. */
export interface ProfileAnswer {
  readonly profile: BuiltProfile;
  readonly comments: readonly string[];
}

export interface NamedProfile {
  readonly name: string;
  /** For the index page. */
  readonly summary: string;
  readonly valueTypes: ValueTypes;
  readonly periodType: ValueTypes[number];
  readonly period: number;
  readonly take: (subject: Subject, query: ProfileQuery) => Promise<ProfileAnswer>;
}

const SPACE = { type: 'space', unit: 'bytes' };
/** Without `seconds`: V8 cannot say what was allocated since the start. */
const ALLOCS_SECONDS = 5;

export const PROFILES: readonly NamedProfile[] = [
  {
    name: 'allocs',
    summary:
      'A sampling of all allocations in the next seconds (5 unless told otherwise), dead or alive. V8 forgets for it what heap has seen.',
    valueTypes: [
      { type: 'alloc_objects', unit: 'count' },
      { type: 'alloc_space', unit: 'bytes' },
    ],
    periodType: SPACE,
    period: BYTES_PER_SAMPLE,
    take: (subject, { isWanted, seconds = ALLOCS_SECONDS, signal }) =>
      heapOf(subject).allocated(isWanted, seconds, signal),
  },
  counted(
    'block',
    'What blocked event loops (20 ms and more), by the stack that blocked, since the server started.',
    ({ blocks }) => blocks,
  ),
  {
    name: 'goroutine',
    summary:
      'What goes on now: stacks of all threads, tasks and other operations that have not ended, and pending work that keeps threads alive: by kind, ' +
      'or with pendingStacks by the stack that began it. With seconds: what begins in that time and is pending at its end, by stack. debug=2 is for people.',
    valueTypes: GOROUTINE_TYPES,
    periodType: GOROUTINE_TYPES[0]!,
    period: 1,
    take: takeGoroutines,
  },
  {
    name: 'heap',
    summary:
      'A sampling of what is alive of what was allocated since the server started. gc=1 collects garbage before.',
    valueTypes: [
      { type: 'inuse_objects', unit: 'count' },
      { type: 'inuse_space', unit: 'bytes' },
    ],
    periodType: SPACE,
    period: BYTES_PER_SAMPLE,
    take: (subject, query) =>
      difference(query, ({ isWanted, collect }) => heapOf(subject).live(isWanted, collect)),
  },
  counted(
    'mutex',
    'Waits for locks, Atomics.wait, channels and pools, by what they were for, the functions that waited and the regions around them, since the server started.',
    ({ waits }) => waits,
  ),
  {
    name: 'threadcreate',
    summary: 'The threads that run JavaScript: main and its workers, by their scripts.',
    valueTypes: [{ type: 'threadcreate', unit: 'count' }],
    periodType: { type: 'threadcreate', unit: 'count' },
    period: 1,
    take: (subject, query) => difference(query, async () => ({ profile: threadsOf(subject), comments: [] })),
  },
];

function counted(
  name: string,
  summary: string,
  pick: (snapshot: DebugSnapshot) => Parameters<typeof countedProfile>[0],
): NamedProfile {
  return {
    name,
    summary,
    valueTypes: CONTENTION_TYPES,
    periodType: CONTENTION_TYPES[0]!,
    period: 1,
    take: ({ recorder }, query) =>
      difference(query, async () => ({
        profile: countedProfile(pick(await recorder.ask({ kind: 'snapshot' }))),
        comments: [],
      })),
  };
}

/** All of it, or what comes to it. */
async function difference(
  query: ProfileQuery,
  take: (query: ProfileQuery) => Promise<ProfileAnswer>,
): Promise<ProfileAnswer> {
  const { seconds, signal } = query;
  const first = await take(query);
  if (seconds === undefined) return first;
  await pause(seconds, signal);
  const second = await take(query);
  return { ...second, profile: subtractProfile(second.profile, first.profile) };
}

async function takeGoroutines(
  subject: Subject,
  { isWanted, seconds, signal }: ProfileQuery,
): Promise<ProfileAnswer> {
  const threads = threadsIn(subject).list().filter(isWanted);
  if (threads.length === 0) throw new HttpProblem(404, 'there is no such thread');
  if (seconds !== undefined) return { profile: await newWork(threads, seconds, signal), comments: [] };
  const isNoted = subject.pending !== undefined;
  const seen = await seeThreads(threads, isNoted);
  const profile = goroutineProfile(seen, await snapshotOf(subject));
  return { profile, comments: isNoted ? seen.flatMap(missedText) : [] };
}

function missedText({ thread, noted }: SeenThread): string[] {
  if (noted === undefined)
    return [`${thread.name} has not said in time what it has begun, or is in a native call`];
  if (noted.missed === 0) return [];
  return [`of ${thread.name}, ${noted.missed} operations are missing: 100000 are noted at a time`];
}

/** undefined when nothing is recorded. */
export async function snapshotOf({ recorder }: Subject): Promise<DebugSnapshot | undefined> {
  return recorder.failure === undefined ? recorder.ask({ kind: 'snapshot' }) : undefined;
}

/** @throws HttpProblem where threads cannot be asked. */
export function threadsIn({ threads, noInspector }: Subject): InspectedThreads {
  if (threads === undefined) throw new HttpProblem(500, `threads cannot be asked: ${noInspector}`);
  return threads;
}

function heapOf(subject: Subject): HeapSampling {
  threadsIn(subject);
  if (subject.heap === undefined) throw new HttpProblem(500, 'the heap is not sampled: heap is false');
  return subject.heap;
}

function threadsOf(subject: Subject): BuiltProfile {
  const builder = new ProfileBuilder();
  for (const { name, url } of threadsIn(subject).list()) {
    builder.add([builder.frame(name, url)], [1], { thread: name });
  }
  return builder.finish();
}
