/**
 * Lets a debug server's thread switch on, through the inspector, that this thread notes the tasks its code runs in, while a CPU profile of
 * it is taken: also in the middle of code that does not end.
 */
import { TASK_RUNS_KEY } from '../ring.ts';
import { currentTaskId, recordTaskRuns } from '../thread-recorder.ts';

/** Puts the function where the debug server finds it: it returns the task that the code runs in now. */
export function startTaskRunHook(): () => void {
  const key = Symbol.for(TASK_RUNS_KEY);
  let isOn = false;
  const change = (wish: boolean): void => {
    if (wish !== isOn) recordTaskRuns(wish);
    isOn = wish;
  };
  const hook = (wish: boolean): number => {
    change(wish);
    return currentTaskId();
  };
  Object.defineProperty(globalThis, key, { value: hook, configurable: true });
  return () => {
    change(false);
    const own = Object.getOwnPropertyDescriptor(globalThis, key);
    if (own?.value === hook) Reflect.deleteProperty(globalThis, key);
  };
}
