/** How turns, and answers of the watchdog that come early, late or never, become slices of a loop's track. */
import { createJsonWriter } from '@ttrace/format';
import { expect, test } from 'vitest';
import { LoopTrack, type StackSample } from './loop-track.ts';

const MS = 1e6;

interface Shown {
  readonly name: string;
  readonly from: number;
  /** undefined while it is open. */
  to: number | undefined;
}

/** A loop whose turns from 1 ms on are shown and are blocks from 20 ms on; what it has written, in milliseconds. */
function loop(): { track: LoopTrack; shown: () => Shown[]; text: () => string } {
  let text = '';
  const writer = createJsonWriter({ sink: (bytes) => (text += new TextDecoder().decode(bytes)) });
  writer.process(1, 'test');
  const shown = (): Shown[] => {
    writer.flush();
    const slices: Shown[] = [];
    for (const { ph, name, ts } of JSON.parse(`${text.trim()}]`) as {
      ph: string;
      name: string;
      ts: number;
    }[]) {
      if (ph === 'b') slices.push({ name, from: ts / 1000, to: undefined });
      else if (ph === 'e') slices.at(-1)!.to = ts / 1000;
    }
    return slices;
  };
  return { track: new LoopTrack(writer, 1, 7, 'main', MS, 20 * MS), shown, text: () => text };
}

const sample = (turnStart: number, time: number): StackSample => ({
  jobs: 0,
  time: time * MS,
  turnStart: turnStart * MS,
  task: 0,
  region: '',
  name: 'work app.js:3',
  location: '/app.js:3',
  frames: ['work (/app.js:3:1)'],
});

/** The watchdog asks, and is answered. */
function answer(track: LoopTrack, answered: StackSample): void {
  track.asked();
  track.answered(answered);
}

test('short turns are left out, longer ones are turns, blocks without an answer are called so', () => {
  const { track, shown } = loop();
  track.turn(0, 0.5 * MS);
  track.turn(10 * MS, 15 * MS);
  track.turn(20 * MS, 60 * MS);
  expect(shown()).toEqual([
    { name: 'turn', from: 10, to: 15 },
    { name: 'blocked', from: 20, to: 60 },
  ]);
});

test('a block is there when it has lasted a tenth of a second, and ends when the thread says so', () => {
  const { track, shown } = loop();
  answer(track, sample(10, 35));
  expect(shown()).toEqual([]);
  answer(track, sample(10, 110));
  expect(shown()).toEqual([{ name: 'work app.js:3', from: 10, to: undefined }]);
  track.turn(10 * MS, 180 * MS);
  expect(shown()).toEqual([{ name: 'work app.js:3', from: 10, to: 180 }]);
});

test('it is named after what it was in for the most time, and the rest stands in it', () => {
  for (const end of [95, 500]) {
    const { track, shown, text } = loop();
    answer(track, { ...sample(10, 10.3), name: 'just woken', location: '' });
    answer(track, { ...sample(10, 26), name: 'load app.js:9', location: '/app.js:9' });
    answer(track, sample(10, 45));
    answer(track, { ...sample(10, 60), name: 'work app.js:4 → stat', location: '/app.js:4' });
    if (end > 100) answer(track, sample(10, 112));
    track.turn(10 * MS, end * MS);
    expect(shown()).toEqual([{ name: 'work app.js:3', from: 10, to: end }]);
    const rest = [...text().matchAll(/"ph":"n","name":"(.*?)".*?"ts": *([\d.]+)/g)].map(([, name, ts]) => [
      name,
      Number(ts) / 1000,
    ]);
    expect(rest).toEqual(
      [
        ['just woken', 10.3],
        ['load app.js:9', 26],
        ['work app.js:3', 45],
        ['work app.js:4 → stat', 60],
        ['work app.js:3', 112],
      ].slice(0, end > 100 ? 5 : 4),
    );
  }
});

test('a look between two promise jobs names a block only if there is no other, and says what it knows', () => {
  for (const frames of [[], ['runNextTicks (node:internal/process/task_queues:60:5)']]) {
    const { track, shown, text } = loop();
    const between = { name: 'blocked', location: '', frames };
    answer(track, { ...sample(10, 26), ...between });
    answer(track, { ...sample(10, 90), ...between, jobs: 2 });
    answer(track, { ...sample(10, 100), jobs: 9 });
    track.turn(10 * MS, 120 * MS);
    expect(shown()).toEqual([{ name: 'work app.js:3', from: 10, to: 120 }]);
    expect(text().match(/"jobs":\d+/g)).toEqual(['"jobs":9', '"jobs":2', '"jobs":9']);
  }
});

test('a turn waits for the answer that is on its way, and one that came too late names nothing', () => {
  const { track, shown } = loop();
  track.asked();
  track.turn(10 * MS, 60 * MS);
  expect(shown()).toEqual([]);
  track.answered(sample(10, 55));
  track.asked();
  track.turn(70 * MS, 120 * MS);
  track.answered(sample(121, 122));
  track.asked();
  track.turn(130 * MS, 170 * MS);
  track.answered(undefined);
  expect(shown().map(({ name }) => name)).toEqual(['work app.js:3', 'blocked', 'blocked']);
});

test('a block that the thread does not know as a turn ends where it was last seen, and swallows no later turn', () => {
  const { track, shown } = loop();
  answer(track, sample(10, 40));
  track.turn(500 * MS, 505 * MS);
  expect(shown()).toEqual([
    { name: 'work app.js:3', from: 10, to: 40 },
    { name: 'turn', from: 500, to: 505 },
  ]);
});

test('what came before a block in its turn does not end it', () => {
  const { track, shown } = loop();
  answer(track, sample(10, 140));
  track.turn(2 * MS, 5 * MS);
  track.turn(10 * MS, 170 * MS);
  expect(shown()).toEqual([{ name: 'work app.js:3', from: 10, to: 170 }]);
});

test('of a thread that ends in a block the block ends where it was last seen; at the end of the recording it stays open', () => {
  for (const [isOver, last] of [true, false].flatMap((is) => [60, 150].map((at) => [is, at] as const))) {
    const { track, shown, text } = loop();
    answer(track, sample(10, 40));
    answer(track, sample(10, last));
    track.close(isOver);
    expect(shown()).toEqual([{ name: 'work app.js:3', from: 10, to: isOver ? last : undefined }]);
    expect(text()).toMatch(new RegExp(`"ph":"n","name":"work app.js:3".*"ts": *${last}000`));
  }
});
