/** What a block is called by its stack. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { RawFrame } from './sources/stack-frames.ts';
import { describeStack } from './stack-description.ts';

const frame = (name: string, file: string, line = 1, isEntered: 0 | 1 = 0): RawFrame => [
  name,
  file,
  line,
  5,
  isEntered,
];
const nameOf = (isLate: boolean, ...frames: RawFrame[]): string => describeStack(frames, isLate).name;

test('it is the innermost function of the program, with file and line', () => {
  const stack = [
    frame('now', 'node:internal/perf', 3),
    frame('work', '/srv/app.js', 7),
    frame('main', '/srv/app.js', 9),
  ];
  expect(describeStack(stack, false)).toMatchObject({ name: 'work app.js:7', location: '/srv/app.js:7' });
});

test('a builtin that runs now is named, as is what of Node.js made a native call that is over', () => {
  expect(nameOf(false, frame('RegExp.test', ''), frame('check', '/srv/app.js', 7))).toBe(
    'check app.js:7 → RegExp.test',
  );
  expect(
    nameOf(
      true,
      frame('getStderr', 'node:x', 1, 1),
      frame('execSync', 'node:y'),
      frame('run', '/srv/app.js', 2),
    ),
  ).toBe('run app.js:2 → execSync');
});

test('the function of the program that called a package is named, with what it called there', () => {
  const inside = [
    frame('scan', '/srv/node_modules/db/scan.js', 90),
    frame('Statement.all', '/srv/node_modules/db/index.js', 40),
  ];
  const stack = [...inside, frame('answer', '/srv/app.js', 7), frame('main', '/srv/app.js', 9)];
  expect(describeStack(stack, false)).toMatchObject({
    name: 'answer app.js:7 → Statement.all',
    location: '/srv/app.js:7',
  });
  expect(describeStack(stack, false).frames).toHaveLength(4);
  // A program that is a package itself, as tools are.
  expect(nameOf(false, ...inside)).toBe('scan scan.js:90');
});

test('a lock of ours is never what blocks, where it calls the program or is called by it, nor a module of ours that loads', () => {
  const file = new URL('../../sync/dist/index.cjs', import.meta.url);
  const held = [
    frame('work', '/srv/app.js', 7),
    frame('untilOver', file.href),
    frame('main', '/srv/app.js', 9),
  ];
  expect(describeStack(held, false)).toMatchObject({
    name: 'work app.js:7',
    frames: ['work (/srv/app.js:7:5)', 'main (/srv/app.js:9:5)'],
  });
  expect(nameOf(false, ...held.slice(1))).toBe('main app.js:9');
  const path = fileURLToPath(file);
  const load = [frame('require', 'node:internal/modules/helpers'), frame('', path, 7)];
  expect(nameOf(false, ...load)).toBe('require');
  // There is nothing else to name.
  expect(nameOf(false, frame('Mutex.lock', path, 7))).toBe('Mutex.lock index.cjs:7');
});

test('of a late answer neither a function that has just been entered nor a builtin is to blame', () => {
  expect(nameOf(true, frame('later', '/srv/app.js', 20, 1), frame('parse', '/srv/app.js', 4))).toBe(
    'parse app.js:4',
  );
  expect(nameOf(true, frame('Array.values', ''), frame('parse', '/srv/app.js', 4))).toBe('parse app.js:4');
});

test('of a late answer from what runs callbacks nobody is to blame: who made the native call has returned', () => {
  const stacks = [
    [frame('listOnTimeout', 'node:internal/timers'), frame('process.processTimers', 'node:internal/timers')],
    [
      frame('[nodejs.internal.kHybridDispatch]', 'node:internal/event_target'),
      frame('', 'node:internal/per_context/messageport'),
    ],
    [frame('HTTPParser.parserOnMessageComplete', 'node:_http_common', 1, 1)],
  ];
  for (const stack of stacks) {
    expect(describeStack(stack, true)).toEqual({ name: 'blocked', location: '', frames: [] });
    expect(nameOf(false, ...stack)).toBe(stack[0]![0]);
    expect(nameOf(true, ...stack, frame('main', '/srv/app.js', 9))).not.toBe('blocked');
  }
});

test('without a function of the program it is what there is', () => {
  expect(nameOf(false, frame('listOnTimeout', 'node:internal/timers'))).toBe('listOnTimeout');
  expect(nameOf(false)).toBe('blocked');
  expect(nameOf(false, frame('', '/srv/app.js', 3))).toBe('(anonymous) app.js:3');
});

test('addresses of files are shown as paths, and frames of the recorder are left out', () => {
  const own = new URL('./region.ts', import.meta.url).href;
  const { frames } = describeStack([frame('runRegion', own), frame('work', 'file:///srv/app.mjs', 7)], false);
  expect(frames).toEqual(['work (/srv/app.mjs:7:5)']);
});

test('an address that is no path of this machine does not matter', () => {
  expect(nameOf(false, frame('work', 'file://other-host/share/app.mjs', 7))).toBe('work app.mjs:7');
});
