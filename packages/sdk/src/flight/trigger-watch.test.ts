/** What the flight recorder's triggers fire for, and when: written with times of our own, so that no clock is waited for. */
import { Category } from '@ttrace/format';
import { expect, test } from 'vitest';
import { createTriggerWatch, type FiredTrigger, type TriggerWatch } from './trigger-watch.ts';
import { parseTriggers } from './triggers.ts';
import { createFlightWindow } from './window.ts';

const MS = 1e6;

/** A watch of these triggers with the default throttle, and what has fired, as `trigger: what, milliseconds`. */
function watched(triggers: string): { readonly watch: TriggerWatch; readonly fired: string[] } {
  const fired: string[] = [];
  const window = createFlightWindow({ minAgeNanos: 10e9, maxBytes: 1 << 20 });
  const say = ({ trigger, what, durationNanos }: FiredTrigger): void => {
    fired.push(`${trigger}: ${what}, ${durationNanos / MS} ms`);
  };
  return { watch: createTriggerWatch(window, parseTriggers(triggers), 60_000, say), fired };
}

/** Begins a task, or a block of an event loop, and returns what ends it. Times are in milliseconds. */
function begin(watch: TriggerWatch, category: string, name: string, start: number): (time: number) => void {
  const track = watch.asyncTrack(1, category, `0x${name}`, name);
  const args = category === Category.loop ? '{"blocked":true}' : undefined;
  watch.begin(track, watch.string(name), watch.string(category), start * MS, 0, args);
  return (time) => {
    watch.end(track, time * MS);
    watch.release(track);
  };
}

/** Looks every 25 ms, as the collector does. */
function look(watch: TriggerWatch, from: number, to: number): void {
  for (let time = from; time <= to; time += 25) watch.look(time * MS);
}

test('what the throttle has held back fires while it lasts, as soon as it is twice as bad', () => {
  for (const [triggers, category] of [
    ['block>200ms', Category.loop],
    ['task>200ms', Category.task],
  ] as const) {
    const { watch, fired } = watched(triggers);
    const endShort = begin(watch, category, 'short', 0);
    look(watch, 0, 300);
    endShort(300);
    const endLong = begin(watch, category, 'long', 1000);
    look(watch, 1000, 1400);
    expect(fired).toEqual([`${triggers}: short, 225 ms`]);
    look(watch, 1425, 2000);
    expect(fired.slice(1)).toEqual([`${triggers}: long, 450 ms`]);
    endLong(2000);
    expect(fired.slice(2)).toEqual([`${triggers}: long, 1000 ms`]);
  }
});

test('a task fires while it lasts at its own limit, though those of another name have a shorter one', () => {
  const { watch, fired } = watched('task:login>100ms,task>1s,task:report>2s');
  begin(watch, Category.task, 'other', 0);
  look(watch, 0, 1000);
  expect(fired).toEqual([]);
  look(watch, 1025, 5000);
  expect(fired).toEqual(['task>1s: other, 1025 ms']);
});

test('a function that is called often fires for its length, although its calls are throttled', () => {
  const { watch, fired } = watched('region:render,region:render>50ms');
  const thread = watch.thread(1, 1, 'main');
  const [render, region] = [watch.string('render'), watch.string(Category.region)];
  watch.slice(thread, render, region, 0, 10 * MS, 0);
  watch.slice(thread, render, region, 100 * MS, 10 * MS, 0);
  watch.slice(thread, render, region, 200 * MS, 60 * MS, 0);
  expect(fired).toEqual(['region:render: render, 10 ms', 'region:render>50ms: render, 60 ms']);
});
