/** Tests of `node --test` and vitest as tasks. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import {
  filesIn,
  type Outcome,
  REGISTER,
  readEvents,
  runProgram,
  SDK_PATH,
  type TraceEvent,
  temporaryDirectory,
} from './program.ts';

/** A test as its task says. */
interface TestTask {
  readonly name: string;
  readonly parent: string;
  readonly status: unknown;
  readonly error: unknown;
  readonly file: unknown;
  readonly retries: unknown;
}

/** All events of a run, those of its children included. */
function eventsOf({ directory }: Outcome): TraceEvent[] {
  const traces = filesIn(directory).filter((name) => /^(trace|part-\d+)\.json$/.test(name));
  return traces.flatMap((name) => readEvents(join(directory, name)));
}

/** The tasks by the name of their tests. */
function testsIn(events: readonly TraceEvent[]): Map<string, TestTask> {
  const names = new Map<unknown, string>();
  const ends = new Map<string, TraceEvent>();
  for (const event of events) {
    if (event.cat !== 'task') continue;
    if (event.ph === 'b') names.set(event.args?.task, event.name ?? '');
    else ends.set(event.id2!.local, event);
  }
  const begins = events.filter(({ cat, ph }) => cat === 'task' && ph === 'b');
  const tasks = begins.map(({ name = '', args, id2 }): TestTask => {
    const end = ends.get(id2!.local)?.args;
    const parent = names.get(args?.parent) ?? '';
    return { name, parent, status: end?.status, error: end?.error, file: args?.file, retries: end?.retries };
  });
  return new Map(tasks.map((task) => [task.name, task]));
}

/** What each region lay in. */
function tasksOfRegions(events: readonly TraceEvent[]): Record<string, string> {
  const names = new Map(
    events.filter(({ cat, ph }) => cat === 'task' && ph === 'b').map(({ name, args }) => [args?.task, name]),
  );
  const regions = events.filter(({ cat, ph }) => cat === 'region' && 'Xb'.includes(ph));
  return Object.fromEntries(regions.map(({ name, args }) => [name, names.get(args?.task) ?? '']));
}

const NODE_TESTS = `
import test, { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
const region = (name) => trace.withRegion(name, () => {});
describe('math', () => {
  before(() => {});
  beforeEach(() => {});
  it('adds', async () => { region('add'); await sleep(2); region('add later'); });
  it('fails', () => { region('fail'); throw new Error('no such number'); });
  it('is skipped', { skip: true }, () => {});
  describe('inner', { concurrency: true }, () => {
    it('one', async () => { await sleep(4); region('one'); });
    it('two', async () => { await sleep(1); region('two'); });
  });
});
test('sync', () => { region('sync'); throw new Error('at once'); });
test('parent', async (t) => { await t.test('child', async () => { await 1; region('child'); }); region('parent'); });
test('callback', (t, done) => { setTimeout(() => { region('callback'); done(); }, 1); });
test('wanted', { todo: true }, () => { throw new Error('later'); });
test('slow', { timeout: 5 }, () => sleep(100));
`;

/** Runs a test file under \`node --test\`, which runs it in a process of its own. */
function runNodeTests(sources: string, flags: readonly string[] = ['--test']): Promise<Outcome> {
  const directory = temporaryDirectory();
  return runProgram(NODE_TESTS, {
    directory,
    flags,
    isHooked: true,
    env: {
      TTRACE_SOURCES: sources,
      TTRACE_CHILDREN: join(directory, 'part.json'),
      NODE_OPTIONS: `--require ${REGISTER}`,
    },
  });
}

test('each test of node --test is a task within that of its suite, with file, status and error', async () => {
  const outcome = await runNodeTests('none,tests');
  expect(outcome.code).toBe(1);
  const tests = testsIn(eventsOf(outcome));
  const file = join(outcome.directory, 'program.mjs');
  expect(tests.get('math > adds')).toMatchObject({
    parent: 'math',
    status: 'passed',
    error: undefined,
    file,
  });
  expect(tests.get('math > fails')).toMatchObject({
    parent: 'math',
    status: 'failed',
    error: 'no such number',
  });
  expect(tests.get('math > is skipped')).toMatchObject({ parent: 'math', status: 'skipped' });
  expect(tests.get('math > inner > two')).toMatchObject({ parent: 'math > inner', status: 'passed' });
  expect(tests.get('math')).toMatchObject({ parent: '', status: 'failed', error: '1 subtest failed' });
  expect(tests.get('parent > child')).toMatchObject({ parent: 'parent', status: 'passed' });
  expect(tests.get('wanted')).toMatchObject({ status: 'todo', error: 'later' });
  expect(tests.get('slow')).toMatchObject({ status: 'failed', error: 'test timed out after 5ms' });
});

test('what a test of node --test does belongs to its task, and its hooks are regions', async () => {
  const regions = tasksOfRegions(eventsOf(await runNodeTests('none,tests')));
  expect(regions).toMatchObject({
    add: 'math > adds',
    'add later': 'math > adds',
    fail: 'math > fails',
    one: 'math > inner > one',
    two: 'math > inner > two',
    child: 'parent > child',
    parent: 'parent',
    callback: 'callback',
    sync: 'sync',
    before: 'math',
  });
  expect(regions.beforeEach).toMatch(/^math > /);
});

test('the report of node --test is the same with and without the tasks, to the last frame of a stack', async () => {
  const flags = ['--test', '--test-reporter=tap'];
  const plain = (text: string, directory: string): string =>
    text.replaceAll(/duration_ms:? .*/g, '').replaceAll(directory, '');
  const [traced, off] = [await runNodeTests('none,tests', flags), await runNodeTests('none', flags)];
  expect(testsIn(eventsOf(off)).size).toBe(0);
  expect(off.stdout).toContain('no such number');
  expect(plain(traced.stdout, traced.directory)).toBe(plain(off.stdout, off.directory));
  expect(traced.code).toBe(off.code);
});

test('stop gives the class of node:test its own methods back', async () => {
  const { stdout } = await runProgram(
    `import { createHook } from 'node:async_hooks';
     import test from 'node:test';
     let owner;
     createHook({ init(_id, type, _trigger, resource) {
       for (let at = resource; type === 'Test' && owner === undefined; at = Object.getPrototypeOf(at))
         if (Object.hasOwn(at, 'createSubtest')) owner = at;
     } }).enable();
     const methods = () => ['createSubtest', 'addReadySubtest', 'createHook', 'getRunArgs'].map((name) => owner[name]);
     await test('before', () => {});
     const before = methods();
     await trace.start({ file, sources: { tests: true } });
     await test('recorded', () => {});
     const during = methods();
     await trace.stop();
     const after = methods();
     process.on('exit', () => {
       console.log('patched', during.every((method, at) => method !== before[at]));
       console.log('restored', after.every((method, at) => method === before[at]));
     });`,
    { env: { NODE_TEST_CONTEXT: 'child' } },
  );
  expect(stdout).toContain('patched true');
  expect(stdout).toContain('restored true');
});

const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const VITEST_TESTS = `
import { createRequire } from 'node:module';
import { describe, expect, it, test } from 'vitest';
// In Node's own module system: vitest would give the test a copy of its own.
const { trace } = createRequire(import.meta.url)(${JSON.stringify(SDK_PATH)});
const region = (name) => trace.withRegion(name, () => {});
let tries = 0;
describe('math', () => {
  it('adds', async () => { region('add'); await new Promise((done) => setTimeout(done, 2)); region('add later'); });
  it('fails', () => { region('fail'); throw new Error('no such number'); });
  it.skip('is skipped', () => {});
  it.todo('wanted');
  it('is tried again', { retry: 2 }, () => { if (tries++ < 1) throw new Error('not yet'); });
  describe.concurrent('inner', () => {
    it('one', async () => { await new Promise((done) => setTimeout(done, 4)); region('one'); });
    it('two', async () => { await new Promise((done) => setTimeout(done, 1)); region('two'); });
  });
});
test('last', () => region('last'));
`;

test.each(['forks', 'threads'])(
  'each test of vitest is a task, in its pool of %s, with its retries',
  async (pool) => {
    const directory = temporaryDirectory();
    const outcome = await runProgram(
      `import { spawn } from 'node:child_process';
     const args = [${JSON.stringify(VITEST)}, 'run', '--globals', '--root', '.', '--pool', ${JSON.stringify(pool)}];
     spawn(process.execPath, args, { stdio: 'inherit' }).on('exit', (code) => { process.exitCode = code; });`,
      {
        directory,
        isHooked: true,
        files: {
          'a.test.mjs': VITEST_TESTS.replace("import { describe, expect, it, test } from 'vitest';", ''),
          'vitest.config.mjs': 'export default {};',
        },
        env: {
          TTRACE_SOURCES: 'none,tests',
          TTRACE_CHILDREN: join(directory, 'part.json'),
          NODE_OPTIONS: `--require ${REGISTER}`,
          VITEST: '',
          VITEST_POOL_ID: '',
          VITEST_WORKER_ID: '',
          NODE_ENV: 'test',
        },
      },
    );
    expect(outcome.stdout).toContain('5 passed');
    const events = eventsOf(outcome);
    const tests = testsIn(events);
    const file = join(directory, 'a.test.mjs');
    expect(tests.get('a.test.mjs')).toMatchObject({ parent: '', status: 'failed' });
    expect(tests.get('math > adds')).toMatchObject({ parent: 'math', status: 'passed', file });
    expect(tests.get('math > fails')).toMatchObject({ status: 'failed', error: 'no such number' });
    expect(tests.get('math > is skipped')).toMatchObject({ status: 'skipped' });
    expect(tests.get('math > wanted')).toMatchObject({ status: 'todo' });
    expect(tests.get('math > is tried again')).toMatchObject({ status: 'passed', retries: 1 });
    expect(tests.get('math > inner')).toMatchObject({ parent: 'math', status: 'passed' });
    expect(tasksOfRegions(events)).toMatchObject({
      add: 'math > adds',
      'add later': 'math > adds',
      fail: 'math > fails',
      one: 'math > inner > one',
      two: 'math > inner > two',
      last: 'last',
    });
  },
);
