/** What programs measure themselves, in the trace, and that their measures are the same with the source and without. */
import { expect, test } from 'vitest';
import { type Outcome, readEvents, runProgram, type TraceEvent } from './program.ts';
import { expectSameBehaviour } from './same-behaviour.ts';
import { type Span, spansOf } from './spans.ts';

const SLEEP = 'const sleep = (ms) => new Promise((done) => setTimeout(done, ms));\n';

const marksIn = (outcome: Outcome): TraceEvent[] =>
  readEvents(outcome.file).filter(({ cat, ph }) => cat === 'timing' && ph === 'i');
const slicesIn = (outcome: Outcome): Span[] => spansOf(readEvents(outcome.file), 'timing');
const millis = ({ start, end }: Span): number => (end! - start) / 1000;

test('marks are moments, measures are as long as they say', async () => {
  const outcome = await runProgram(
    `${SLEEP}await trace.start({ file, sources: { timing: true } });
    performance.mark('begin', { detail: { order: 17 } });
    await sleep(30);
    const measure = performance.measure('whole', 'begin');
    performance.measure('given', { start: measure.startTime + 5, duration: 10, detail: 'a text' });
    console.log(measure.duration);
    await trace.stop();`,
  );
  const [mark, ...more] = marksIn(outcome);
  expect(more).toEqual([]);
  expect(mark).toMatchObject({ name: 'begin', args: { order: 17 } });
  const [whole, given] = slicesIn(outcome);
  expect(whole!.name).toBe('whole');
  expect(millis(whole!)).toBeCloseTo(Number(outcome.stdout), 2);
  expect(whole!.start).toBeCloseTo(mark!.ts, 1);
  expect(given).toMatchObject({ name: 'given', args: { detail: 'a text' } });
  expect(millis(given!)).toBeCloseTo(10, 2);
  expect(given!.start - whole!.start).toBeCloseTo(5000, 0);
});

test('marks from before the recording do not count, and measures from before begin with it', async () => {
  const outcome = await runProgram(
    `${SLEEP}performance.mark('old'); await sleep(50);
    await trace.start({ file, sources: { timing: true } });
    await sleep(20);
    performance.mark('late', { startTime: 1 });
    performance.measure('from old', 'old');
    performance.measure('over already', { start: 1, end: 2 });
    await trace.stop();`,
  );
  expect(marksIn(outcome)).toEqual([]);
  const slices = slicesIn(outcome);
  expect(slices.map(({ name }) => name)).toEqual(['from old']);
  expect(slices[0]!.start).toBeGreaterThanOrEqual(0);
  expect(millis(slices[0]!)).toBeGreaterThan(15);
  expect(Number(slices[0]!.args.before_recording_ms)).toBeGreaterThan(45);
});

test('console.time lasts until its end, one of each label at a time', async () => {
  const outcome = await expectSameBehaviour(
    `${SLEEP}const { error } = console; console.log = () => {};
    console.time('outer'); console.time(); await sleep(20); console.timeEnd(); console.time('outer'); await sleep(20); console.timeEnd('outer');
    console.timeEnd('never begun'); console.time('without end');`,
    'none,timing',
    { flags: ['--no-warnings'] },
  );
  const slices = slicesIn(outcome);
  expect(slices.map(({ name }) => name)).toEqual(['outer', 'default', 'without end']);
  expect(millis(slices[0]!)).toBeGreaterThan(35);
  expect(millis(slices[1]!)).toBeLessThan(millis(slices[0]!));
  expect(slices[2]!.end).toBeUndefined();
});

test('entries with a DevTools track are on a row of that name', async () => {
  const outcome = await runProgram(
    `await trace.start({ file, sources: { timing: true } });
    const start = performance.now();
    const devtools = { dataType: 'track-entry', track: 'Orders', trackGroup: 'Shop', color: 'primary', tooltipText: 'an order',
      properties: [['id', '17'], ['rows', 3]] };
    performance.measure('load', { start, duration: 5, detail: { devtools, kind: 'big' } });
    performance.measure('save', { start: start + 6, duration: 2, detail: { devtools: { track: 'Orders' } } });
    console.timeStamp('parsed', start, start + 3, 'Parser', 'Shop', 'secondary');
    performance.mark('paid', { detail: { devtools: { dataType: 'marker', color: 'error', tooltipText: 'money', track: 'no' } } });
    await trace.stop();`,
  );
  const slices = slicesIn(outcome);
  const rows = new Map(
    readEvents(outcome.file)
      .filter(({ ph, cat }) => ph === 'b' && cat === 'timing')
      .map(({ name, id2 }) => [name, id2!.local.replace(/^\S+ /, '')]),
  );
  expect(Object.fromEntries(rows)).toEqual({
    load: 'Shop / Orders',
    save: 'Orders',
    parsed: 'Shop / Parser',
  });
  expect(slices.find(({ name }) => name === 'load')!.args).toEqual({
    kind: 'big',
    id: '17',
    rows: 3,
    tooltip: 'an order',
    color: 'primary',
  });
  expect(marksIn(outcome)).toMatchObject([{ name: 'paid', args: { color: 'error', tooltip: 'money' } }]);
});

test('console.timeStamp reaches back to earlier stamps by their labels', async () => {
  const outcome = await runProgram(
    `${SLEEP}await trace.start({ file, sources: { timing: true } });
    console.timeStamp('first'); await sleep(30); console.timeStamp('second'); await sleep(30);
    console.timeStamp('between', 'first', 'second'); console.timeStamp('until now', 'first');
    console.timeStamp('unknown', 'nothing of that name'); console.timeStamp();
    await trace.stop();`,
  );
  expect(marksIn(outcome).map(({ name }) => name)).toEqual(['first', 'second', 'unknown', 'timeStamp']);
  const [between, untilNow] = slicesIn(outcome);
  expect([between!.name, untilNow!.name]).toEqual(['between', 'until now']);
  expect(millis(between!)).toBeGreaterThan(25);
  expect(millis(untilNow!)).toBeGreaterThan(millis(between!) + 25);
});

test('what is measured in an exit listener, and in the last turn before a crash, is there', async () => {
  const outcome = await runProgram(
    `process.on('exit', () => performance.mark('leaving'));
    performance.mark('last words'); throw new Error('crash');`,
    { isHooked: true, env: { TTRACE_SOURCES: 'none,timing' } },
  );
  expect(outcome.code).toBe(1);
  expect(marksIn(outcome).map(({ name }) => name)).toEqual(['last words', 'leaving']);
});

test('values, errors and observers are as without the source', async () => {
  await expectSameBehaviour(
    `const { PerformanceObserver } = await import('node:perf_hooks');
    const told = [];
    new PerformanceObserver((list) => told.push(...list.getEntries().map(({ name }) => name))).observe({ entryTypes: ['mark', 'measure'] });
    const mark = performance.mark('a', { startTime: 5, detail: { x: 1 } });
    const measure = performance.measure('m', 'a', 'a');
    console.log(mark.constructor.name, mark.startTime, JSON.stringify(mark.detail), measure.duration, performance.getEntries().length);
    const attempts = [() => performance.measure('m', 'missing'), () => performance.mark(), () => performance.mark(Symbol('s')),
      () => performance.mark.call({}, 'b'), () => performance.mark('t', { startTime: -1 }), () => console.time(Symbol('s'))];
    for (const attempt of attempts) {
      try { attempt(); console.log('fine'); } catch (error) { console.log(error.name, error.code, error.stack); }
    }
    console.log(performance.mark.name, performance.mark.length, performance.measure.name, performance.measure.length,
      Object.hasOwn(performance, 'mark'), Object.keys(Object.getPrototypeOf(performance)).join());
    setTimeout(() => console.log(told.join()), 20);`,
    'none,timing',
  );
});

test('names without number share one, and keep their own row', async () => {
  const outcome = await runProgram(
    `await trace.start({ file, sources: { timing: true } });
    for (let i = 0; i < 1500; i++) performance.mark('mark ' + i);
    performance.measure('late', { start: performance.now(), duration: 1, detail: { devtools: { track: 'Row' } } });
    await trace.stop();`,
  );
  const names = marksIn(outcome).map(({ name }) => name);
  expect(new Set(names).size).toBe(1001);
  expect(names.filter((name) => name === '(other)')).toHaveLength(500);
  expect(slicesIn(outcome).map(({ name }) => name)).toEqual(['Row']);
});

test('a region may have a name that looks like a row and a name', async () => {
  const outcome = await runProgram(
    `await trace.start({ file, sources: { timing: true, loop: false } });
    trace.withRegion('row\\0name', () => {}); await trace.withRegion('async\\0name', async () => {});
    performance.measure('mine\\0own', { start: performance.now(), duration: 1 });
    await trace.stop();`,
  );
  const names = readEvents(outcome.file)
    .filter(({ ph }) => ph === 'X' || ph === 'b')
    .map(({ name }) => name);
  expect(names.sort()).toEqual(['async\0name', 'mine own', 'row\0name']);
});

test('nothing is recorded by default, and stop gives the functions back', async () => {
  const outcome = await runProgram(
    `const prototype = Object.getPrototypeOf(performance);
    const read = () => [prototype.mark, prototype.measure, console.time, console.timeEnd, console.timeStamp];
    const before = read();
    await trace.start({ file, sources: true }); performance.mark('unseen'); await trace.stop();
    await trace.start({ file: file + '.json', sources: { timing: true } });
    const patched = read().filter((fn, i) => fn !== before[i]).length;
    await trace.stop();
    console.log(patched, read().every((fn, i) => fn === before[i]), Object.hasOwn(performance, 'mark'));`,
  );
  expect(outcome.stdout).toBe('5 true false\n');
  expect(marksIn(outcome)).toEqual([]);
});
