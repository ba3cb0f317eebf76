/**
 * CPU samples that a Chrome trace carries: `Profile` and `ProfileChunk` events, which Chromium writes in recordings of DevTools and Node.js
 * with `--trace-event-categories disabled-by-default-v8.cpu_profiler`. They become the samples of the thread that was profiled.
 */
import type { TraceBuilder } from './trace-builder.ts';
import { addV8Profile } from './v8-profile.ts';
import { V8ProfileNodes } from './v8-profile-nodes.ts';

/** Names of the events. */
export const PROFILE = 'Profile';
export const PROFILE_CHUNK = 'ProfileChunk';

interface Growing {
  readonly pid: number;
  /** Of the thread that is profiled; the chunks come from another one. */
  tid: number;
  micros: number;
  readonly nodes: V8ProfileNodes;
  readonly samples: number[];
  readonly times: number[];
  end: number;
}

export class ProfileChunks {
  readonly #builder: TraceBuilder;
  /** By process and id. */
  readonly #profiles = new Map<string, Growing>();

  constructor(builder: TraceBuilder) {
    this.#builder = builder;
  }

  /** Takes one of the events. @param micros its time. @param json its arguments. */
  add(name: string, pid: number, tid: number, id: string, micros: number, json: string): void {
    const key = `${pid} ${id}`;
    const args: unknown = JSON.parse(json);
    const data = record(record(args).data);
    let profile = this.#profiles.get(key);
    if (profile === undefined) {
      const nodes = new V8ProfileNodes();
      profile = { pid, tid, micros, nodes, samples: [], times: [], end: 0 };
      this.#profiles.set(key, profile);
    }
    if (name === PROFILE) {
      profile.tid = tid;
      if (typeof data.startTime === 'number') profile.micros = data.startTime;
      return;
    }
    const { nodes, samples } = record(data.cpuProfile);
    for (const node of list(nodes)) if (!profile.nodes.add(node)) this.#builder.skip('node of a profile');
    const deltas = list(data.timeDeltas);
    for (const [i, sample] of list(samples).entries()) {
      const delta = deltas[i];
      if (typeof sample !== 'number' || typeof delta !== 'number')
        this.#builder.skip('sample without a time');
      else {
        profile.micros += delta;
        profile.samples.push(sample);
        profile.times.push(this.#builder.relative(Math.floor(profile.micros), 0));
      }
    }
    if (typeof data.endTime === 'number') profile.end = this.#builder.relative(Math.floor(data.endTime), 0);
  }

  /** Adds the samples to the trace. */
  finish(): void {
    for (const { pid, tid, nodes, samples, times, end } of this.#profiles.values()) {
      if (samples.length === 0) continue;
      const { frames, parents } = nodes;
      addV8Profile(this.#builder, pid, tid, { frames, parents, samples, times, end });
    }
    this.#profiles.clear();
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
