/** What ends a recording of another process from this side: a time, or a signal. */
import { constants } from 'node:os';
import { Failure } from '../failure.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Why this side ended it. */
export type StopCause = 'time' | 'signal';

/** Listens to signals until it is told to forget them. */
export interface UntilStopped {
  /** Resolves after so many seconds, or at the first signal. */
  within(seconds: number | undefined): Promise<StopCause>;
  /** What is awaited; @throws Failure with the signal's exit code when that comes first. */
  unlessBefore<T>(wanted: Promise<T>): Promise<T>;
  /** The same, but undefined after so long, or at a second signal. */
  atMost<T>(millis: number, wanted: Promise<T>): Promise<T | undefined>;
  forget(): void;
}

/** Takes the signals that end this process. */
export function untilStopped(): UntilStopped {
  let first = (_signal: NodeJS.Signals): void => {};
  let second = (): void => {};
  const signalled = new Promise<NodeJS.Signals>((resolve) => (first = resolve));
  const isPressed = new Promise<undefined>((resolve) => (second = () => resolve(undefined)));
  let count = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    count++;
    first(signal);
    if (count > 1) second();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const timers = new Set<NodeJS.Timeout>();
  const after = <T>(millis: number, value: T): Promise<T> =>
    new Promise((resolve) => timers.add(setTimeout(resolve, millis, value)));
  return {
    within: (seconds) => {
      const signal = signalled.then(() => 'signal' as const);
      return seconds === undefined ? signal : Promise.race([signal, after(seconds * 1000, 'time' as const)]);
    },
    unlessBefore: async (wanted) => {
      const interrupted = signalled.then((signal) => {
        throw new Failure(`stopped by ${signal}`, 128 + constants.signals[signal]);
      });
      return Promise.race([wanted, interrupted]);
    },
    atMost: (millis, wanted) => Promise.race([wanted, after(millis, undefined), isPressed]),
    forget: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
