/** The `profile` endpoint: CPU samples of all threads, or of one, with what they were taken in. */
import type { LabelledSamples } from '@ttrace/sdk/debug';
import { captureCpu, SAMPLES_PER_SECOND, type ThreadCapture } from './cpu-capture.ts';
import { type CpuSample, cpuSamples } from './cpu-samples.ts';
import { HttpProblem } from './http-problem.ts';
import type { InspectedThread } from './inspected-threads.ts';
import { ProfileBuilder, type ValueTypes } from './profile-builder.ts';
import { type Subject, threadsIn } from './profiles.ts';
import type { TakenProfile } from './taken-profile.ts';

export const CPU_TYPES: ValueTypes = [
  { type: 'samples', unit: 'count' },
  { type: 'cpu', unit: 'nanoseconds' },
];
export const CPU_PERIOD_NANOS: number = 1e9 / SAMPLES_PER_SECOND;

/** What to take. */
export interface CpuQuestion {
  readonly seconds: number;
  readonly isWanted: (thread: InspectedThread) => boolean;
  /** Whether functions are to be named that V8 has optimised already; costs the threads a new warming-up. */
  readonly isExact: boolean;
  readonly signal: AbortSignal;
}

/**
 * Samples by stack, with labels `thread`, `task`, `region`, `trace_id` and `span_id` as far as they are recorded. Waiting in `Atomics.wait` or for
 * a lock takes no processor, and does not count where it is recorded.
 * @throws HttpProblem when no thread answers.
 */
export async function takeCpuProfile(
  subject: Subject,
  { seconds, isWanted, isExact, signal }: CpuQuestion,
): Promise<TakenProfile> {
  const { recorder, isCovered } = subject;
  const threads = threadsIn(subject);
  if (!threads.list().some(isWanted)) throw new HttpProblem(404, 'there is no such thread');
  const isLabelled = recorder.failure === undefined;
  if (isLabelled) await recorder.ask({ kind: 'begin-labels' });
  const begin = Date.now();
  // What it has counted would be lost.
  const canThrowAway = isExact && !isCovered;
  const { threads: captures, durationNanos } = await captureCpu(threads, {
    seconds,
    isWanted,
    canThrowAway,
    signal,
  });
  const builder = new ProfileBuilder();
  const found = captures.map((capture) => ({
    ...capture,
    samples: capture.profile === undefined ? [] : cpuSamples(capture.profile, builder),
  }));
  const times = new Map(
    found.map(({ thread, samples }) => [thread.id, Float64Array.from(samples, ({ time }) => time)]),
  );
  const labels = isLabelled ? await recorder.ask({ kind: 'end-labels', times }) : undefined;
  for (const { thread, samples, task } of found) addSamples(builder, thread, samples, task, labels);
  const missing = captures.filter(({ profile }) => profile === undefined);
  if (missing.length === captures.length && !signal.aborted) throw nobodyAnswered(captures);
  return {
    ...builder.finish(),
    valueTypes: CPU_TYPES,
    periodType: CPU_TYPES[1]!,
    period: CPU_PERIOD_NANOS,
    beginMillis: begin,
    durationNanos,
    comments: missing.map(
      ({ thread }) => `${thread.name} is missing: it has ended, or was in a native call until the end`,
    ),
  };
}

function addSamples(
  builder: ProfileBuilder,
  thread: InspectedThread,
  samples: readonly CpuSample[],
  lastTask: number,
  labelled: LabelledSamples | undefined,
): void {
  const labels = labelled?.threads.get(thread.id);
  // Code that has run in a task all the time has not said so yet.
  const isWhole = lastTask !== 0 && labels?.tasks.every((id) => id === 0 || id === lastTask) === true;
  for (const [i, { stack }] of samples.entries()) {
    if (labels?.waits[i] === 1) continue;
    const task = labelled?.tasks.get(labels?.tasks[i] || (isWhole ? lastTask : 0));
    builder.add(stack, [1, CPU_PERIOD_NANOS], {
      thread: thread.name,
      task: task?.name ?? '',
      region: labels?.regions[i] ?? '',
      trace_id: task?.traceId ?? '',
      span_id: task?.spanId ?? '',
    });
  }
}

function nobodyAnswered(captures: readonly ThreadCapture[]): HttpProblem {
  const names = captures.map(({ thread }) => thread.name).join(', ');
  return new HttpProblem(
    500,
    `Could not enable CPU profiling: no answer from ${names}: ended, or in a native call`,
  );
}
