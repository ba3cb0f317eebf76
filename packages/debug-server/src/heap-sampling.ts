/**
 * V8's heap sampler on each thread: on from the start, so that what is alive is known with the stacks that allocated it. There is one a
 * thread; another profiler that holds it is left alone, and said.
 *
 * `allocs` needs the sampler in another mode, in which it never forgets, and its memory grows: it is switched over for that time only.
 */
import { pause, within } from './deadline.ts';
import { HttpProblem } from './http-problem.ts';
import type { InspectedThread, InspectedThreads } from './inspected-threads.ts';
import { type BuiltProfile, ProfileBuilder } from './profile-builder.ts';
import { type CallFrame, sourceFrame } from './source-frames.ts';

/** Bytes between two samples, on average: Go's. */
export const BYTES_PER_SAMPLE: number = 512 << 10;
/** How long a thread that is in a native call is waited for. */
const PATIENCE_MS = 5000;
const CLOSE_PATIENCE_MS = 1000;
const ALL = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };

/** Why a thread's heap is not sampled. */
const HELD = 'another profiler holds V8’s heap sampler on it';
const LOST = 'another profiler has ended the heap sampler on it; it is on again from now';

interface HeapNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly id: number;
  readonly children: readonly HeapNode[];
}

interface HeapProfile {
  readonly head: HeapNode;
  readonly samples: readonly { readonly size: number; readonly nodeId: number }[];
}

/** A profile, and what of it is missing. */
export interface HeapAnswer {
  readonly profile: BuiltProfile;
  readonly comments: readonly string[];
}

export class HeapSampling {
  readonly #threads: InspectedThreads;
  /** Threads on which our sampler is on, and since when; or why it is not. */
  readonly #states = new Map<InspectedThread, number | string>();
  #isAllocating = false;

  constructor(threads: InspectedThreads) {
    this.#threads = threads;
    threads.each((thread) => void this.#begin(thread));
  }

  /** What is alive now. @param collect whether garbage is collected before. */
  async live(isWanted: (thread: InspectedThread) => boolean, collect: boolean): Promise<HeapAnswer> {
    if (this.#isAllocating) {
      throw new HttpProblem(
        409,
        'allocations are being captured, for which V8 samples nothing else: ask again',
      );
    }
    return this.#read(isWanted, async (thread) => {
      if (collect) await thread.post('HeapProfiler.collectGarbage');
      return this.#profileOf(thread);
    });
  }

  /** Everything that is allocated in that time, dead or alive. */
  async allocated(
    isWanted: (thread: InspectedThread) => boolean,
    seconds: number,
    signal: AbortSignal,
  ): Promise<HeapAnswer> {
    this.#isAllocating = true;
    const threads = this.#threads.list().filter(isWanted);
    try {
      await Promise.all(threads.map((thread) => within(this.#switch(thread, ALL), PATIENCE_MS)));
      await pause(seconds, signal);
      return await this.#read(isWanted, (thread) => this.#profileOf(thread));
    } finally {
      for (const thread of threads) void this.#switch(thread, {});
      this.#isAllocating = false;
    }
  }

  /** Ends it on all threads: a worker's would go on without the session that started it. */
  async close(): Promise<void> {
    const own = [...this.#states].filter(([, state]) => typeof state === 'number');
    this.#states.clear();
    await Promise.all(
      own.map(([thread]) => within(thread.post('HeapProfiler.stopSampling'), CLOSE_PATIENCE_MS)),
    );
  }

  async #begin(thread: InspectedThread): Promise<void> {
    try {
      await thread.post('HeapProfiler.getSamplingProfile');
      this.#states.set(thread, HELD);
    } catch (error) {
      // It says that none was started.
      if (!/not started/.test((error as Error).message)) return;
      await this.#start(thread, {});
    }
  }

  async #start(thread: InspectedThread, mode: object): Promise<void> {
    try {
      await thread.post('HeapProfiler.startSampling', { samplingInterval: BYTES_PER_SAMPLE, ...mode });
      this.#states.set(thread, Date.now());
    } catch (error) {
      this.#states.set(thread, (error as Error).message);
    }
  }

  async #switch(thread: InspectedThread, mode: object): Promise<void> {
    if (typeof this.#states.get(thread) !== 'number') return;
    await thread.post('HeapProfiler.stopSampling').catch(() => {});
    await this.#start(thread, mode);
  }

  async #profileOf(thread: InspectedThread): Promise<HeapProfile | string> {
    const state = this.#states.get(thread);
    if (state === undefined || state === HELD) {
      // It may be free by now.
      await this.#begin(thread);
      const now = this.#states.get(thread);
      if (typeof now === 'string') return now;
    } else if (typeof state === 'string') return state;
    try {
      return (await thread.post<{ profile: HeapProfile }>('HeapProfiler.getSamplingProfile')).profile;
    } catch (error) {
      if (!/not started/.test((error as Error).message)) return (error as Error).message;
      await this.#start(thread, {});
      return LOST;
    }
  }

  async #read(
    isWanted: (thread: InspectedThread) => boolean,
    read: (thread: InspectedThread) => Promise<HeapProfile | string>,
  ): Promise<HeapAnswer> {
    const threads = this.#threads.list().filter(isWanted);
    if (threads.length === 0) throw new HttpProblem(404, 'there is no such thread');
    const answers = await Promise.all(threads.map((thread) => within(read(thread), PATIENCE_MS)));
    const builder = new ProfileBuilder();
    const comments: string[] = [];
    let answered = 0;
    for (const [i, answer] of answers.entries()) {
      const { name } = threads[i]!;
      if (answer === undefined) comments.push(`${name} is missing: it has ended, or is in a native call`);
      else if (typeof answer === 'string') comments.push(`${name} is missing: ${answer}`);
      else {
        answered++;
        addHeap(builder, answer, name);
      }
    }
    if (answered === 0) throw new HttpProblem(500, `Could not sample the heap: ${comments.join('; ')}`);
    return { profile: builder.finish(), comments };
  }
}

/** V8 has scaled the bytes for what lies between samples; the objects are scaled here in the same way. */
function addHeap(builder: ProfileBuilder, { head, samples }: HeapProfile, thread: string): void {
  const objects = new Map<number, number>();
  for (const { size, nodeId } of samples) {
    const scale = 1 / (1 - Math.exp(-size / BYTES_PER_SAMPLE));
    objects.set(nodeId, (objects.get(nodeId) ?? 0) + scale);
  }
  const visit = (node: HeapNode, callers: readonly number[]): void => {
    const { name, file, line } = sourceFrame(node.callFrame);
    const stack = name === '(root)' ? callers : [builder.frame(name, file, line), ...callers];
    if (node.selfSize > 0) {
      builder.add(stack, [Math.round(objects.get(node.id) ?? 0), node.selfSize], { thread });
    }
    for (const child of node.children) visit(child, stack);
  };
  visit(head, []);
}
