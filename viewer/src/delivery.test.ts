/** When a viewer has served one reader, over a clock of the test's own. */
import { expect, test } from 'vitest';
import { Delivery } from './delivery.ts';

/** Whether the delivery is done, when nothing was asked for in so many milliseconds. */
async function isDone(idleMs: number, prepare: (delivery: Delivery) => void): Promise<boolean> {
  const delivery = new Delivery(() => idleMs);
  prepare(delivery);
  let done = false;
  void delivery.untilDone().then(() => {
    done = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 250));
  delivery.stop();
  delivery.stop();
  return done;
}

test('silence alone is no delivery', async () => {
  expect(await isDone(1e9, () => {})).toBe(false);
});

test('a trace that was read is delivered when 5 seconds of silence follow', async () => {
  expect(await isDone(4900, (delivery) => delivery.read())).toBe(false);
  expect(await isDone(5000, (delivery) => delivery.read())).toBe(true);
});

test('a page that loads the trace is given a minute to say that it shows it, and a second after that', async () => {
  const load = (delivery: Delivery) => {
    delivery.read();
    delivery.loading();
    delivery.read();
  };
  const loadFirst = (delivery: Delivery) => {
    delivery.loading();
    delivery.read();
  };
  expect(await isDone(59_000, load)).toBe(false);
  expect(await isDone(60_000, load)).toBe(true);
  expect(await isDone(59_000, loadFirst)).toBe(false);
  expect(await isDone(60_000, loadFirst)).toBe(true);
  const show = (delivery: Delivery) => {
    load(delivery);
    delivery.shown();
  };
  expect(await isDone(1000, show)).toBe(true);
});

test('a page that says it shows the trace needs one more second, whether or not the trace is read again', async () => {
  const show = (delivery: Delivery) => {
    delivery.read();
    delivery.shown();
    delivery.read();
  };
  expect(await isDone(900, show)).toBe(false);
  expect(await isDone(1000, show)).toBe(true);
});
