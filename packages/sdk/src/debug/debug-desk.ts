/**
 * The collector's side of debug servers: answers what their thread asks over its port. Each desk has one view of what is recorded, and
 * at most one capture into a file at a time, beside whatever trace the program itself records.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { Category } from '@ttrace/format/vocabulary';
import type { Since } from '../collector-protocol.ts';
import type { Drain } from '../drain.ts';
import type { DrainedThread } from '../drained-thread.ts';
import { FileOutput } from '../file-output.ts';
import type { FlightOutput } from '../flight/flight-output.ts';
import type { WriterHub } from '../writer-hub.ts';
import type {
  DebugReplies,
  DebugReply,
  DebugRequest,
  DebugTask,
  DebugWish,
  LabelledSamples,
  SampleLabels,
} from './debug-protocol.ts';
import { DebugView } from './debug-view.ts';

/** What a desk works with. */
export interface DebugDeskMeans {
  readonly hub: WriterHub;
  readonly drain: Drain;
  /** Nanoseconds of `process.hrtime` that are time 0. */
  readonly origin: bigint;
  /** The flight recorder that runs, if one does. */
  readonly flight: () => FlightOutput | undefined;
  /** Has the facts about the recording ready for a new writer. */
  readonly describe: () => void;
}

export class DebugDesk {
  readonly #port: MessagePort;
  readonly #means: DebugDeskMeans;
  readonly #view = new DebugView();
  #capture: FileOutput | undefined;
  #isLabelling = false;

  /** @param since Time from which on events count, in nanoseconds since the origin. */
  constructor(port: MessagePort, since: number, means: DebugDeskMeans) {
    this.#port = port;
    this.#means = means;
    means.hub.attach(this.#view, since);
  }

  /** Answers what was asked, and looks at what the round has brought. */
  afterRound(): void {
    this.#capture?.flush();
    this.#view.afterRound(this.#means.drain.threads());
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { readonly message: DebugRequest } | undefined;
      if (received === undefined) return;
      const { id, ...wish } = received.message;
      const reply: DebugReply = { id, answer: this.#grant(wish) };
      this.#port.postMessage(reply);
    }
  }

  /** The server is gone, or the recorder ends. */
  close(): void {
    this.#closeCapture();
    this.#label(false);
    this.#means.hub.detach(this.#view);
    this.#port.close();
  }

  #grant(wish: DebugWish): DebugReplies[DebugWish['kind']] {
    const { drain, flight } = this.#means;
    switch (wish.kind) {
      case 'open-capture':
        this.#openCapture(wish);
        return undefined;
      case 'close-capture':
        drain.settle();
        return this.#closeCapture();
      case 'write-window':
        drain.settle();
        return flight()?.write(wish.file, wish.output);
      case 'begin-labels':
        this.#label(true);
        return undefined;
      case 'end-labels': {
        drain.round();
        const labelled = this.#labelled(wish.times);
        this.#label(false);
        return labelled;
      }
      case 'snapshot':
        return this.#view.snapshot(this.#now(), drain.threads());
    }
  }

  #openCapture({ fd, output }: Extract<DebugWish, { kind: 'open-capture' }>): void {
    this.#closeCapture();
    const { hub, drain, origin, describe } = this.#means;
    const since: Since = process.hrtime.bigint();
    describe();
    this.#capture = new FileOutput(fd, output, origin, drain.counts());
    hub.attach(this.#capture.writer, Number(since - origin));
  }

  #closeCapture(): DebugReplies['close-capture'] {
    const capture = this.#capture;
    if (capture === undefined) return undefined;
    this.#capture = undefined;
    this.#means.hub.detach(capture.writer);
    return capture.close(this.#means.drain.counts());
  }

  #label(isOn: boolean): void {
    if (isOn === this.#isLabelling) return;
    this.#isLabelling = isOn;
    this.#means.drain.keepLabels(isOn);
    this.#view.live.rememberEnded(isOn);
  }

  #labelled(times: ReadonlyMap<number, Float64Array>): LabelledSamples {
    const threads = new Map<number, SampleLabels>();
    const tasks = new Map<number, DebugTask>();
    for (const thread of this.#means.drain.threads()) {
      const own = times.get(thread.threadId);
      const labels = own === undefined ? undefined : labelsOf(thread, own, this.#means.origin);
      if (labels === undefined) continue;
      threads.set(thread.threadId, labels);
      for (const id of new Set(labels.tasks)) {
        const task = this.#view.live.task(id);
        if (task !== undefined) tasks.set(id, task);
      }
    }
    return { threads, tasks };
  }

  #now(): number {
    return Number(process.hrtime.bigint() - this.#means.origin);
  }
}

function labelsOf(thread: DrainedThread, times: Float64Array, origin: bigint): SampleLabels | undefined {
  const { labels, offset, nameTexts, categoryTexts } = thread;
  if (labels === undefined) return undefined;
  const absolute = Number(origin) + offset;
  const { names, tasks } = labels.find(times.map((time) => (time - absolute) / 1e6));
  return {
    regions: Array.from(names, (id) => (categoryTexts[id] === Category.wait ? '' : (nameTexts[id] ?? ''))),
    tasks: [...tasks],
    waits: Uint8Array.from(names, (id) => (categoryTexts[id] === Category.wait ? 1 : 0)),
  };
}
