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
  time: time * MS,
  turnStart: turnStart * MS,
  task: 0,
  region: '',
  name: 'work app.js:3',
  location: '/app.js:3',
  frames: ['work (/app.js:3:1)'],
});

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

test('a block is there as soon as it is seen, and ends when the thread says so', () => {
  const { track, shown } = loop();
  track.asked();
  track.answered(sample(10, 35));
  expect(shown()).toEqual([{ name: 'work app.js:3', from: 10, to: undefined }]);
  track.turn(10 * MS, 80 * MS);
  expect(shown()).toEqual([{ name: 'work app.js:3', from: 10, to: 80 }]);
});

test('what was seen as the turn had just begun gives way to what is seen while it blocks', () => {
  const { track, shown } = loop();
  track.asked();
  track.answered({ ...sample(10, 10.3), name: 'just woken' });
  track.asked();
  track.answered(sample(10, 35));
  track.turn(10 * MS, 90 * MS);
  expect(shown()).toEqual([{ name: 'work app.js:3', from: 10, to: 90 }]);
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
  track.asked();
  track.answered(sample(10, 40));
  track.turn(500 * MS, 505 * MS);
  expect(shown()).toEqual([
    { name: 'work app.js:3', from: 10, to: 40 },
    { name: 'turn', from: 500, to: 505 },
  ]);
});

test('what came before a block in its turn does not end it', () => {
  const { track, shown } = loop();
  track.asked();
  track.answered(sample(10, 40));
  track.turn(2 * MS, 5 * MS);
  track.turn(10 * MS, 70 * MS);
  expect(shown()).toEqual([{ name: 'work app.js:3', from: 10, to: 70 }]);
});

test('of a thread that ends in a block the block ends where it was last seen; at the end of the recording it stays open', () => {
  for (const isOver of [true, false]) {
    const { track, shown, text } = loop();
    track.asked();
    track.answered(sample(10, 40));
    track.asked();
    track.answered(sample(10, 90));
    track.close(isOver);
    expect(shown()).toEqual([{ name: 'work app.js:3', from: 10, to: isOver ? 90 : undefined }]);
    expect(text()).toMatch(/"ph":"n","name":"work app.js:3".*"ts": *90000/);
  }
});
