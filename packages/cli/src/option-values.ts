/** Times and shares on the command line. */
import { parseTime } from '@ttrace/format';
import { Failure } from './failure.ts';

/** Nanoseconds of `50ms`, `1.5s`, `20us`; without a unit seconds. @throws Failure (2) for what is no time. */
export function timeValue(text: string, option: string): number {
  const nanos = parseTime(text);
  if (nanos === undefined)
    throw new Failure(`${option} takes a time such as 1.5s, 300ms or 20us, not ${text}`, 2);
  return nanos;
}

/** Part of one of `5%` or `0.05`. @throws Failure (2) for what is none, also for `5`: who says that means 5 %, and 500 % is never reached. */
export function shareValue(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  if (match === null || (match[2] === '' && Number(match[1]) > 1))
    throw new Failure(`${option} takes a share such as 5% or 0.05, not ${text}`, 2);
  return Number(match[1]) / (match[2] === '%' ? 100 : 1);
}

/** The same for a limit, where a forgotten unit would make seconds of milliseconds. @throws Failure (2) without a unit as well. */
export function limitValue(text: string, option: string): number {
  if (/^[\d.]+$/.test(text.trim())) throw new Failure(`${option} needs a unit: ${text}ms or ${text}s`, 2);
  return timeValue(text, option);
}
