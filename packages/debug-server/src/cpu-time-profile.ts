/**
 * The `profile` endpoint with `clock=cpu`: time of the processor, not time on the stack, by @datadog/pprof, where the program has it installed.
 * Its profiler is loaded and driven in each thread by the inspector, so this too works in the middle of code that does not end. The
 * functions here are sent to the thread as text, and each is complete in itself.
 */
import { CPU_PERIOD_NANOS, CPU_TYPES, type CpuQuestion } from './cpu-profile.ts';
import { pause, within } from './deadline.ts';
import { HttpProblem } from './http-problem.ts';
import type { InspectedThread } from './inspected-threads.ts';
import { ProfileBuilder } from './profile-builder.ts';
import { type Subject, threadsIn } from './profiles.ts';
import { place } from './source-frames.ts';
import type { TakenProfile } from './taken-profile.ts';

/** To load a native module, and to compile again what was thrown away. */
const PATIENCE_MS = 10_000;
/** The last mapping of a line: columns are not known. */
const END_OF_LINE = 10_000;

/** A stack with its samples and its processor time, in nanoseconds. */
type Measured = readonly [
  count: number,
  nanos: number,
  frames: readonly (readonly [name: string, file: string, line: number])[],
];

/** @throws HttpProblem when the package is not there, or somebody else uses it. */
export async function takeCpuTimeProfile(
  subject: Subject,
  { seconds, isWanted, isExact, signal }: CpuQuestion,
): Promise<TakenProfile> {
  const { cpuTimeModule: path, isCovered } = subject;
  if (path === undefined) {
    throw new HttpProblem(
      501,
      'clock=cpu needs the package @datadog/pprof in this program: npm install @datadog/pprof; without clock there is time on the stack',
    );
  }
  const threads = threadsIn(subject).list().filter(isWanted);
  if (threads.length === 0) throw new HttpProblem(404, 'there is no such thread');
  const beginMillis = Date.now();
  const started = await Promise.all(
    threads.map((thread) => within(start(thread, path, isExact && !isCovered), PATIENCE_MS)),
  );
  await pause(seconds, signal);
  const stopped = await Promise.all(threads.map((thread) => within(stop(thread, path), PATIENCE_MS)));
  const builder = new ProfileBuilder();
  const comments: string[] = [];
  for (const [i, { name }] of threads.entries()) {
    const measured = started[i] === 'started' ? stopped[i] : undefined;
    if (measured === undefined)
      comments.push(`${name} is missing: ${started[i] ?? 'it does not answer, or has ended'}`);
    else for (const each of measured) addMeasured(builder, name, each);
  }
  if (comments.length === threads.length && !signal.aborted) {
    throw new HttpProblem(500, `Could not enable CPU profiling: ${comments.join('; ')}`);
  }
  return {
    ...builder.finish(),
    valueTypes: CPU_TYPES,
    periodType: CPU_TYPES[1]!,
    period: CPU_PERIOD_NANOS,
    beginMillis,
    durationNanos: seconds * 1e9,
    comments,
  };
}

function addMeasured(builder: ProfileBuilder, thread: string, [count, nanos, frames]: Measured): void {
  const stack = frames.map(([name, file, line]) => {
    const at = place(name, file, line, END_OF_LINE);
    return builder.frame(at.name, at.file, at.line);
  });
  builder.add(stack, [count, nanos], { thread });
}

/** 'started', or why not. */
async function start(thread: InspectedThread, path: string, canThrowAway: boolean): Promise<string> {
  // As in cpu-capture.ts.
  const around = canThrowAway ? [thread.post('Profiler.enable')] : [];
  if (canThrowAway) around.push(thread.post('Profiler.startPreciseCoverage', { callCount: true }));
  const answer = evaluate(thread, `(${startProfiler})(${JSON.stringify(path)}, ${CPU_PERIOD_NANOS / 1000})`);
  if (canThrowAway) around.push(thread.post('Profiler.stopPreciseCoverage'), thread.post('Profiler.disable'));
  await Promise.all(around);
  return answer;
}

async function stop(thread: InspectedThread, path: string): Promise<readonly Measured[]> {
  return JSON.parse(await evaluate(thread, `(${stopProfiler})(${JSON.stringify(path)})`)) as Measured[];
}

async function evaluate(thread: InspectedThread, expression: string): Promise<string> {
  const params = { expression, returnByValue: true, silent: true };
  const { result } = await thread.post<{ result?: { value?: unknown; description?: string } }>(
    'Runtime.evaluate',
    params,
  );
  return typeof result?.value === 'string'
    ? result.value
    : (result?.description ?? 'no answer').split('\n', 1)[0]!;
}

interface DatadogTime {
  isStarted(): boolean;
  start(options: object): void;
  stop(): {
    readonly stringTable: { readonly strings: readonly string[] };
    readonly sample: readonly {
      readonly locationId: readonly unknown[];
      readonly value: readonly unknown[];
    }[];
    readonly location: readonly {
      readonly id: unknown;
      readonly line: readonly { readonly functionId: unknown; readonly line: unknown }[];
    }[];
    readonly function: readonly {
      readonly id: unknown;
      readonly name: unknown;
      readonly filename: unknown;
    }[];
  };
}

function startProfiler(path: string, intervalMicros: number): string {
  const load = process.getBuiltinModule('node:module').createRequire(path);
  const { time } = load(path) as { time: DatadogTime };
  if (time.isStarted()) return 'the program uses the profiler of @datadog/pprof itself';
  time.start({ intervalMicros, withContexts: true, collectCpuTime: true });
  return 'started';
}

function stopProfiler(path: string): string {
  const load = process.getBuiltinModule('node:module').createRequire(path);
  const { time } = load(path) as { time: DatadogTime };
  const profile = time.stop();
  const text = (at: unknown): string => profile.stringTable.strings[Number(at)] ?? '';
  const functions = new Map(profile.function.map((each) => [Number(each.id), each]));
  const locations = new Map(profile.location.map((each) => [Number(each.id), each]));
  const measured = profile.sample.map(({ locationId, value }) => {
    const frames = locationId.map((id) => {
      const line = locations.get(Number(id))?.line[0];
      const own = functions.get(Number(line?.functionId));
      return [text(own?.name), text(own?.filename), Number(line?.line ?? 0)];
    });
    return [Number(value[0]), Number(value[2]), frames];
  });
  return JSON.stringify(measured);
}
