/** Runs programs with chosen runtime sources, and the pieces of text that most of them begin with. */
import { expect } from 'vitest';
import { type Outcome, type ProgramOptions, readEvents, runProgram, type TraceEvent } from './program.ts';

/** Runs a program that has `worker_threads`. */
export const run = (source: string, options?: ProgramOptions): Promise<Outcome> =>
  runProgram(`import worker_threads from 'node:worker_threads';\n${source}`, options);

/** Runs it under the hook with these sources alone; it must end well and silently. */
export const record = async (
  source: string,
  sources: string,
  files: Readonly<Record<string, string>> = {},
): Promise<{ outcome: Outcome; events: TraceEvent[] }> => {
  const outcome = await run(source, { isHooked: true, env: { TTRACE_SOURCES: sources }, files });
  expect(outcome.stderr).toBe('');
  expect(outcome.code).toBe(0);
  return { outcome, events: readEvents(outcome.file) };
};

/** Text of `spin(ms)`, and of `sleep(ms)`. */
export const SPIN: string =
  'function spin(ms) { const end = performance.now() + ms; while (performance.now() < end); }\n';
export const SLEEP: string = 'const sleep = (ms) => new Promise((done) => setTimeout(done, ms));\n';
