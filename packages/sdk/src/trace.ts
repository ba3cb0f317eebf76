/** The recording API in one object, named after Go's `runtime/trace`. */
import { FlightRecorder } from './flight/flight-recorder.ts';
import { counter, flowIn, flowOut, log } from './log.ts';
import { start, stop } from './recording.ts';
import { startRegion, withRegion } from './region.ts';
import { adoptTask, newTask, withTask } from './task.ts';
import { isRecording } from './thread-recorder.ts';

/** Everything a program needs to be traced. All of it is a no-op that costs about a nanosecond while off. */
export const trace: {
  readonly start: typeof start;
  readonly stop: typeof stop;
  /** Whether a recording runs in this process. Advisory: it may change right after. */
  readonly isEnabled: () => boolean;
  readonly newTask: typeof newTask;
  readonly adoptTask: typeof adoptTask;
  readonly withTask: typeof withTask;
  readonly withRegion: typeof withRegion;
  readonly startRegion: typeof startRegion;
  readonly log: typeof log;
  readonly counter: typeof counter;
  readonly flowOut: typeof flowOut;
  readonly flowIn: typeof flowIn;
  readonly FlightRecorder: typeof FlightRecorder;
} = Object.freeze({
  start,
  stop,
  isEnabled: isRecording,
  newTask,
  adoptTask,
  withTask,
  withRegion,
  startRegion,
  log,
  counter,
  flowOut,
  flowIn,
  FlightRecorder,
});
