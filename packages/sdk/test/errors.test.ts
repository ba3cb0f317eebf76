/** Errors that nobody caught, handled rejections and warnings on real programs, and that nothing of their fate changes. */
import { expect, test } from 'vitest';
import { type Outcome, readEvents, runProgram, type TraceEvent, threadNames } from './program.ts';
import { expectSameBehaviour } from './same-behaviour.ts';

const errorsIn = (outcome: Outcome): TraceEvent[] =>
  readEvents(outcome.file).filter(({ cat }) => cat === 'error');

test('an uncaught error is in the file with its stack, and ends the process as ever', async () => {
  const outcome = await expectSameBehaviour(
    `function failing() { throw Object.assign(new TypeError('no such order\\nsecond line'), { code: 'E_ORDER' }); }
    setTimeout(failing, 20);`,
    'none,errors',
  );
  expect(outcome.code).toBe(1);
  const [event, ...more] = errorsIn(outcome);
  expect(more).toEqual([]);
  expect(event).toMatchObject({
    ph: 'i',
    name: 'TypeError: no such order',
    args: { origin: 'uncaughtException', message: 'no such order\nsecond line', code: 'E_ORDER' },
  });
  expect((event!.args!.stack as string[])[0]).toMatch(/failing.*program\.mjs:\d+/);
});

test('errors are recorded by default', async () => {
  const outcome = await runProgram(
    "await trace.start({ file, sources: true }); throw new RangeError('by default');",
  );
  expect(errorsIn(outcome).map(({ name }) => name)).toEqual(['RangeError: by default']);
});

test('an error that the program handles itself is recorded once, and the process goes on', async () => {
  const outcome = await expectSameBehaviour(
    `process.on('uncaughtException', (error, origin) => console.log('handled', error.message, origin));
    setTimeout(() => { throw new Error('one'); }, 10);
    setTimeout(() => console.log('still here'), 50);`,
    'none,errors',
  );
  expect(outcome.stdout).toBe('handled one uncaughtException\nstill here\n');
  expect(errorsIn(outcome).map(({ name }) => name)).toEqual(['Error: one']);
});

test.each([
  ['ends the process', '', [], 1],
  ['is handled by a listener', "process.on('unhandledRejection', (e) => console.log(e.message));", [], 0],
  ['is handled by a listener that is called once', "process.once('unhandledRejection', () => {});", [], 0],
  ['ends the process in strict mode', '', ['--unhandled-rejections=strict'], 1],
] as const)('a rejection that %s is recorded once, and does so still', async (_, listener, flags, code) => {
  const outcome = await expectSameBehaviour(
    `${listener} setTimeout(() => { Promise.reject(new Error('rejected')); }, 10); setTimeout(() => {}, 40);`,
    'none,errors',
    { flags },
  );
  expect(outcome.code).toBe(code);
  const found = errorsIn(outcome);
  expect(found.map(({ name }) => name)).toEqual(['Error: rejected']);
  expect(found[0]!.args!.origin).toBe('unhandledRejection');
});

test('the listeners of the process are the ones that the program added', async () => {
  await expectSameBehaviour(
    `const events = ['uncaughtException', 'uncaughtExceptionMonitor', 'unhandledRejection', 'rejectionHandled', 'warning', 'newListener'];
    console.log(events.map((name) => process.listenerCount(name)).join());
    console.log(process.emit('unhandledRejection', new Error('nobody listens'), Promise.resolve()));`,
    'none,errors',
  );
});

test('a warning is a log, not an error', async () => {
  const outcome = await expectSameBehaviour(
    "process.emitWarning('take care', { type: 'CareWarning', code: 'CARE1' }); setTimeout(() => {}, 10);",
    'none,errors',
  );
  expect(outcome.stderr).toContain('take care');
  expect(errorsIn(outcome)).toEqual([]);
  const logs = readEvents(outcome.file).filter(({ cat }) => cat === 'log');
  expect(logs).toMatchObject([
    { name: 'warning', args: { message: 'CareWarning: take care', code: 'CARE1' } },
  ]);
});

test('what is thrown may be anything', async () => {
  const outcome = await expectSameBehaviour(
    `process.on('uncaughtException', () => console.log('caught'));
    const bad = new Error('bad'); Object.defineProperty(bad, 'message', { get() { throw new Error('getter'); } });
    const values = [null, undefined, 'text', 42, Symbol('sign'), { toString() { throw 1; } }, bad, new Proxy({}, { get() { throw 2; } })];
    for (const value of values) setTimeout(() => { throw value; });
    setTimeout(() => {}, 50);`,
    'none,errors',
  );
  const names = errorsIn(outcome).map(({ name }) => name);
  expect(names).toEqual([
    'Thrown null',
    'Thrown undefined',
    'Thrown string: text',
    'Thrown number: 42',
    'Thrown symbol: Symbol(sign)',
    'Thrown object',
    'Error',
    'Thrown object',
  ]);
});

test('an error that ends a worker is on its track', async () => {
  const outcome = await expectSameBehaviour(
    `const worker = new Worker("setTimeout(() => { throw new Error('in worker'); }, 20)", { eval: true, name: 'miner' });
    worker.on('error', (error) => console.log('told', error.message));`,
    'none,errors',
  );
  expect(outcome.stdout).toBe('told in worker\n');
  const [event, ...more] = errorsIn(outcome);
  expect(more).toEqual([]);
  expect(event!.name).toBe('Error: in worker');
  expect(threadNames(readEvents(outcome.file)).get(event!.tid)).toContain('miner');
});

test('without the source nothing is recorded, and stop gives process.emit back', async () => {
  const off = await runProgram("throw new Error('unseen');", {
    isHooked: true,
    env: { TTRACE_SOURCES: 'none' },
  });
  expect(errorsIn(off)).toEqual([]);
  const outcome = await runProgram(
    `const { emit } = process; const isOwn = Object.hasOwn(process, 'emit');
    await trace.start({ file, sources: { errors: true } });
    const isPatched = process.emit !== emit;
    await trace.stop();
    console.log(isPatched, process.emit === emit, Object.hasOwn(process, 'emit') === isOwn);`,
  );
  expect(outcome.stdout).toBe('true true true\n');
});

test('a patch of the program on top of ours stays, and ours does nothing any more', async () => {
  const outcome = await runProgram(
    `await trace.start({ file, sources: { errors: true } });
    const ours = process.emit; let calls = 0;
    process.emit = function (...args) { calls++; return ours.apply(this, args); };
    const theirs = process.emit;
    await trace.stop();
    process.once('custom', (value) => console.log('got', value));
    process.emit('custom', 1);
    console.log(process.emit === theirs, calls > 0);
    await trace.start({ file, sources: { errors: true } });
    process.on('uncaughtException', () => {});
    setTimeout(() => { throw new Error('later'); });
    setTimeout(() => trace.stop(), 50);`,
  );
  expect(outcome.stdout).toBe('got 1\ntrue true\n');
  expect(errorsIn(outcome).map(({ name }) => name)).toEqual(['Error: later']);
});
