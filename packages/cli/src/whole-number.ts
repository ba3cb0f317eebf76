/** Checks of numbers on the command line. */
import { Failure } from './failure.ts';

/** @throws Failure (2) unless `value` is a whole number that is not smaller than `least`. */
export function atLeast(least: number, value: number, option: string): void {
  if (!Number.isInteger(value) || value < least) {
    throw new Failure(`${option} takes a whole number from ${least} on`, 2);
  }
}
