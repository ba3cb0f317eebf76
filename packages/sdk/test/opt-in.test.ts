/** The sources that are off by default, but for CPU samples: console and user timing; and uncaught errors, which are on. */
import { expect, test } from 'vitest';
import { readEvents, runProgram, type TraceEvent } from './program.ts';
import { spansOf } from './spans.ts';

async function record(
  source: string,
  sources: string,
): Promise<{ events: TraceEvent[]; stdout: string; stderr: string; code: number | null }> {
  const outcome = await runProgram(source, { isHooked: true, env: { TTRACE_SOURCES: sources } });
  return { ...outcome, events: readEvents(outcome.file) };
}

test('what the program prints is printed as ever, and a log in its task, also in workers', async () => {
  const { events, stdout, stderr } = await record(
    `const { once } = await import('node:events');
    const nasty = { [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('no'); } };
    const quiet = { [Symbol.for('nodejs.util.inspect.custom')]() { console.log('inside'); return 'quiet'; } };
    trace.withTask('order', () => console.log('id %d', 17, { a: 1 }));
    console.warn('careful'); console.log(quiet);
    try { console.log(nasty); } catch (error) { console.log(error.message); }
    await once(new Worker("console.error('from a worker')", { eval: true }), 'exit');`,
    'none,console',
  );
  expect(stdout).toContain('id 17 { a: 1 }\n');
  expect(stdout).toContain('no\n');
  expect(stdout.match(/inside/g)).toHaveLength(1);
  expect(stderr).toBe('careful\nfrom a worker\n');
  const logs = events.filter(({ cat }) => cat === 'log').map(({ name, args }) => `${name}: ${args?.message}`);
  expect(logs).toEqual([
    'console.log: id 17 { a: 1 }',
    'console.warn: careful',
    expect.stringContaining('Symbol(nodejs.util.inspect.custom)'),
    'console.log: inside',
    expect.stringContaining('Symbol(nodejs.util.inspect.custom)'),
    'console.log: no',
    'console.error: from a worker',
  ]);
  const [task] = spansOf(events, 'task');
  expect(events.find(({ cat }) => cat === 'log')?.args?.task).toBe(task?.args.task);
});

test('marks and measures are in the trace at their times, with detail and hints, and return what they would', async () => {
  const { events, stdout, code } = await record(
    `const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
    const mark = performance.mark('begin', { detail: { id: 7, devtools: { track: 'Cache', color: 'primary' } } });
    await sleep(30);
    const measure = performance.measure('load', 'begin');
    performance.measure('given', { start: mark.startTime, duration: 5, detail: 'text' });
    console.log(mark instanceof PerformanceMark, measure instanceof PerformanceMeasure, performance.getEntriesByName('load').length);
    try { performance.measure('x', 'no such mark'); } catch (error) { console.log(error.name); }
    try { performance.mark(); } catch (error) { console.log(error.code); }`,
    'none,timing',
  );
  expect(code).toBe(0);
  expect(stdout).toBe('true true 1\nSyntaxError\nERR_MISSING_ARGS\n');
  const begin = events.find(({ name, ph }) => name === 'begin' && ph === 'i');
  expect(begin?.args).toEqual({ id: 7, track: 'Cache', color: 'primary' });
  const [load, given] = spansOf(events, 'timing').sort((one, other) => other.end! - one.end!);
  expect([load?.name, given?.name]).toEqual(['load', 'given']);
  expect(Math.abs(load!.start - begin!.ts)).toBeLessThan(1);
  expect(load!.end! - load!.start).toBeGreaterThan(29_000);
  expect(given!.end! - given!.start).toBeCloseTo(5000, 1);
  expect(given?.args).toEqual({ detail: 'text' });
});

test('without these sources nothing is in the trace, and stop gives the functions back', async () => {
  const { events, stdout } = await record(
    `console.log(1); performance.mark('x'); performance.measure('y', 'x');`,
    'none',
  );
  expect(events.filter(({ cat }) => ['log', 'timing'].includes(cat ?? ''))).toEqual([]);
  expect(stdout).toBe('1\n');
  const given = await runProgram(`
    const names = ['log', 'warn', 'dir'];
    const before = [...names.map((name) => console[name]), performance.mark, performance.measure, process.emit];
    await trace.start({ file, sources: { console: true, timing: true, errors: true, loop: false } });
    const during = [...names.map((name) => console[name]), performance.mark, performance.measure, process.emit];
    await trace.stop();
    const after = [...names.map((name) => console[name]), performance.mark, performance.measure, process.emit];
    process.stdout.write(JSON.stringify([before.every((f, i) => f === after[i]), during.some((f, i) => f === before[i]), Object.hasOwn(performance, 'mark'),
      during[0].name, during[3].length]));`);
  expect(given.stdout).toBe('[true,false,false,"log",1]');
});
