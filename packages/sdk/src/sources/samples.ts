/**
 * V8's CPU profiler on this thread, by an inspector session of the thread's own; taken by the second and handed to the collector in
 * pieces. The next profile begins before the last ends, so that nothing is missed: they are those of the inspector's own
 * `console.profile`, which unlike `Profiler.start` may overlap. A session of the user's that has enabled its Profiler is told of them.
 *
 * Begun at once, before the program's code: of functions that were running, optimised, when the profiler started it knows no name. That
 * is why the collector does not do it from outside, where it would go on while the loop is blocked; here a blocked loop makes the
 * profile longer. A worker that is terminated loses its last second.
 */

import { Control, RecordKind } from '../ring.ts';
import type { CompactProfile, ProfiledNode } from '../samples/sample-track.ts';
import { control, now, recordTaskRuns, recordWith } from '../thread-recorder.ts';

const WINDOW_MS = 1000;
/** Characters of one piece: a text in the ring has at most 16,384. */
const PIECE = 16_000;

// Bound early: test tools replace the timers.
const { setInterval, clearInterval } = globalThis;

/** A profile as the inspector gives it. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
    readonly children?: readonly number[] | undefined;
  }[];
  readonly startTime: number;
  readonly samples?: readonly number[] | undefined;
  readonly timeDeltas?: readonly number[] | undefined;
}

export function startSamples(): () => void {
  if (control[Control.canInspect] !== 1 || hasOwnProfile()) return () => {};
  const { Session } = process.getBuiltinModule('node:inspector');
  const session = new Session();
  session.connect();
  session.on('Profiler.consoleProfileFinished', ({ params: { title, profile } }) => {
    if (title?.startsWith('ttrace ') === true) send(compact(profile));
  });
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: control[Control.sampleMicros]! });
  let serial = 0;
  const evaluate = (expression: string): void =>
    session.post('Runtime.evaluate', { expression, silent: true, includeCommandLineAPI: true });
  const next = (): void => {
    const end = serial === 0 ? '' : `profileEnd('ttrace ${serial}')`;
    evaluate(`profile('ttrace ${++serial}');${end}`);
  };
  next();
  recordTaskRuns(true);
  const timer = setInterval(next, WINDOW_MS);
  timer.unref();
  let isOver = false;
  const finish = (): void => {
    if (isOver) return;
    isOver = true;
    recordTaskRuns(false);
    clearInterval(timer);
    evaluate(`profileEnd('ttrace ${serial}')`);
    session.disconnect();
  };
  // A worker hears of nothing else before it ends.
  process.on('exit', finish);
  return () => {
    process.off('exit', finish);
    finish();
  };
}

/** Node.js takes a profile by itself, and prints each of ours on stderr as one that it does not know. */
function hasOwnProfile(): boolean {
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((flag) => flag.includes('--cpu-prof'));
}

function compact({ nodes, startTime, samples = [], timeDeltas = [] }: CpuProfile): CompactProfile {
  const known = nodes.map(({ id, callFrame, children = [] }): ProfiledNode => {
    const { functionName, url, lineNumber, columnNumber } = callFrame;
    return [id, functionName, url, lineNumber, columnNumber, children];
  });
  return { nodes: known, startTime, samples, timeDeltas };
}

function send(profile: CompactProfile): void {
  const text = JSON.stringify(profile);
  const time = now();
  for (let at = 0; at < text.length; at += PIECE) {
    const isLast = at + PIECE >= text.length ? 1 : 0;
    recordWith(text.slice(at, at + PIECE), 0, 0, RecordKind.profile, isLast, 0, time, 0);
  }
}
