/** What programs write with `console`, as logs, and that they write the same with the source and without. */
import { expect, test } from 'vitest';
import { type Outcome, readEvents, runProgram, type TraceEvent, threadNames } from './program.ts';
import { expectSameBehaviour } from './same-behaviour.ts';

const logsIn = (outcome: Outcome): TraceEvent[] =>
  readEvents(outcome.file).filter(({ cat }) => cat === 'log');

test('each method is a log with its level, in the current task, and writes what it always did', async () => {
  const outcome = await expectSameBehaviour(
    `console.log('a log', 1, { deep: { value: [1, 2] } });
    console.info('an %s of %d', 'info', 2);
    console.debug('debugging');
    console.warn('a warning');
    trace.withTask('order', () => console.error(new Error('broken')));
    console.dir({ dir: true }, { depth: 0 });`,
    'none,console',
  );
  const logs = logsIn(outcome);
  expect(logs.map(({ name, args }) => [name, args?.level])).toEqual([
    ['console.log', 'info'],
    ['console.info', 'info'],
    ['console.debug', 'debug'],
    ['console.warn', 'warn'],
    ['console.error', 'error'],
    ['console.dir', 'info'],
  ]);
  const messages = logs.map(({ args }) => String(args?.message));
  expect(messages.slice(0, 4)).toEqual([
    'a log 1 { deep: { value: [ 1, 2 ] } }',
    'an info of 2',
    'debugging',
    'a warning',
  ]);
  expect(messages[4]).toMatch(/^Error: broken\n.*program\.mjs/s);
  expect(messages[5]).toBe('{ dir: true }');
  expect(logs.map(({ args }) => args?.task !== undefined)).toEqual([false, false, false, false, true, false]);
});

test('methods that write by way of others are one log a line', async () => {
  const outcome = await expectSameBehaviour(
    `console.assert(true, 'not seen'); console.assert(false, 'seen');
    console.count('times'); console.group('head'); console.log('inside'); console.groupEnd();
    console.table([{ a: 1 }]);
    function where() { console.trace('here'); }
    where();`,
    'none,console',
  );
  const messages = logsIn(outcome).map(({ args }) => String(args?.message));
  expect(messages.slice(0, 4)).toEqual(['Assertion failed: seen', 'times: 1', 'head', 'inside']);
  expect(messages[4]).toContain('(index)');
  expect(messages[5]).toMatch(/^Trace: here\n\s+at where/);
  expect(messages).toHaveLength(6);
});

test('objects are looked at without running code of theirs, and texts are kept to 2 KB', async () => {
  const outcome = await expectSameBehaviour(
    `const { inspect } = await import('node:util'); let calls = 0;
    const spy = { [inspect.custom]() { calls++; return 'custom'; }, toString() { calls++; return 'text'; } };
    console.log('%s', { toString() { calls++; return 'text'; } });
    console.log(spy, 'x'.repeat(5000));
    console.log(new Proxy({}, { get() { throw new Error('trap'); }, ownKeys() { throw new Error('trap'); } }));
    process.stdout.write(calls + ' calls');`,
    'none,console',
  );
  expect(outcome.stdout).toMatch(/2 calls$/);
  const messages = logsIn(outcome).map(({ args }) => String(args?.message));
  expect(messages).toHaveLength(3);
  expect(messages[1]!.length).toBeGreaterThan(1000);
  for (const message of messages) expect(message.length).toBeLessThan(2100);
});

test('what a worker writes is on its track', async () => {
  const outcome = await expectSameBehaviour(
    `const worker = new Worker("console.warn('from the worker')", { eval: true, name: 'miner' });
    await new Promise((done) => worker.once('exit', done));`,
    'none,console',
  );
  const [log] = logsIn(outcome);
  expect(log).toMatchObject({ name: 'console.warn', args: { message: 'from the worker' } });
  expect(threadNames(readEvents(outcome.file)).get(log!.tid)).toContain('miner');
});

test('an exception of the original reaches the program', async () => {
  await expectSameBehaviour(
    `try { console.log({ [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('from the object'); } }); }
    catch (error) { process.stdout.write(error.stack.split('\\n').slice(0, 4).join()); }`,
    'none,console',
  );
});

test('nothing is recorded by default, and stop gives the methods back', async () => {
  const outcome = await runProgram(
    `const methods = ['log', 'info', 'debug', 'warn', 'error', 'dir', 'dirxml', 'trace'];
    const before = methods.map((name) => Object.getOwnPropertyDescriptor(console, name));
    const shapes = () => methods.map((name) => [console[name].name, console[name].length, Object.keys(console).indexOf(name)]).join();
    const shape = shapes();
    await trace.start({ file, sources: true }); console.log('unseen'); await trace.stop();
    await trace.start({ file: file + '.json', sources: { console: true } });
    const isPatched = console.log !== before[0].value, isSameShape = shapes() === shape;
    await trace.stop();
    const after = methods.map((name) => Object.getOwnPropertyDescriptor(console, name));
    const isRestored = after.every((own, i) => own.value === before[i].value && own.enumerable === before[i].enumerable);
    console.log(isPatched, isSameShape, isRestored);`,
  );
  expect(outcome.stdout).toBe('unseen\ntrue true true\n');
  expect(logsIn(outcome)).toEqual([]);
});
