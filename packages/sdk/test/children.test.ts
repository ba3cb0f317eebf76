/** Child processes that record themselves because their environment says so. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  filesIn,
  isComplete,
  named,
  type Outcome,
  type ProgramOptions,
  REGISTER,
  readEvents,
  runProgram,
  SDK_URL,
  type TraceEvent,
  temporaryDirectory,
} from './program.ts';

/** Runs a program whose children record into `part-0.json`, `part-1.json` and so on. */
function runFamily(source: string, options: ProgramOptions = {}): Promise<Outcome> {
  const directory = options.directory ?? temporaryDirectory();
  const env = {
    TTRACE_CHILDREN: join(directory, 'part.json'),
    NODE_OPTIONS: `--require ${REGISTER}`,
    ...options.env,
  };
  return runProgram(source, { isHooked: true, ...options, directory, env });
}

/** The traces of the children, by number. */
function partsOf({ directory }: Outcome): TraceEvent[][] {
  const files = filesIn(directory).filter((name) => /^part-\d+\.json$/.test(name));
  return files.map((name) => readEvents(join(directory, name)));
}

const CHILD = `import { trace } from ${JSON.stringify(SDK_URL)};
import { fork } from 'node:child_process';
import { statSync } from 'node:fs';
trace.withTask('work', (task) => trace.withRegion('child ' + process.argv[2], () => console.log('id', task.id)));
if (process.argv[2] === 'parent') fork(process.argv[1], ['grandchild']);
const killWhenWritten = () => {
  const isWritten = statSync('part-0.json', { throwIfNoEntry: false })?.size > 0;
  setTimeout(() => (isWritten ? process.kill(process.pid, 'SIGKILL') : killWhenWritten()), 100);
};
if (process.argv[2] === 'killed') killWhenWritten();
process.exitCode = 3;
`;

test('children and their children record into files of their own, whichever way they were started', async () => {
  const outcome = await runFamily(
    `import { fork, spawn, exec } from 'node:child_process';
     fork('child.mjs', ['parent'], { execArgv: [] });
     spawn(process.execPath, ['child.mjs', 'spawned'], { stdio: 'inherit' }).on('exit', (code) => console.log('exit', code));
     exec(JSON.stringify(process.execPath) + ' child.mjs shell');`,
    { files: { 'child.mjs': CHILD } },
  );
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(outcome.stdout).toContain('exit 3');
  const parts = partsOf(outcome);
  const regions = parts.map((events) => events.find(({ cat }) => cat === 'region')?.name).sort();
  expect(regions).toEqual(['child grandchild', 'child parent', 'child shell', 'child spawned']);
  expect(new Set(parts.map((events) => events[0]?.pid)).size).toBe(4);
  for (const events of parts) expect(named(events, 'process start')[0]?.args).toHaveProperty('parentPid');
});

test('processes of one run never give out the same id', async () => {
  const outcome = await runFamily(
    `import { spawn } from 'node:child_process';
     trace.withTask('first', (task) => console.log('id', task.id));
     for (const name of ['a', 'b']) spawn(process.execPath, ['child.mjs', name], { stdio: 'inherit' });`,
    { files: { 'child.mjs': CHILD } },
  );
  const ids = [...outcome.stdout.matchAll(/id (\d+)/g)].map(([, id]) => Number(id));
  expect(ids).toHaveLength(3);
  expect(new Set(ids).size).toBe(3);
  // The task of a region is the one that the program saw.
  const tasks = partsOf(outcome).flatMap((events) =>
    events.filter(({ cat }) => cat === 'region').map(({ args }) => args?.task),
  );
  expect(ids).toEqual(expect.arrayContaining(tasks));
  expect(tasks).toHaveLength(2);
});

test('a child that is killed leaves what it recorded', async () => {
  const outcome = await runFamily(
    `import { spawn } from 'node:child_process';
     spawn(process.execPath, ['child.mjs', 'killed'], { stdio: 'inherit' }).on('exit', (code, signal) => console.log(signal));`,
    { files: { 'child.mjs': CHILD } },
  );
  expect(outcome.stdout).toContain('SIGKILL');
  expect(isComplete(join(outcome.directory, 'part-0.json'))).toBe(false);
  expect(named(partsOf(outcome)[0]!, 'child killed')).toHaveLength(1);
});

test('children are left alone without the variable, and where the program clears their environment', async () => {
  const source = `import { spawn } from 'node:child_process';
     spawn(process.execPath, ['child.mjs', 'x'], { env: JSON.parse(process.env.CHILD_ENV ?? 'null') ?? process.env });`;
  const files = { 'child.mjs': CHILD };
  const without = await runFamily(source, { files, env: { TTRACE_CHILDREN: '' } });
  const cleared = await runFamily(source, { files, env: { CHILD_ENV: '{}' } });
  for (const outcome of [without, cleared]) {
    expect(outcome.code).toBe(0);
    expect(partsOf(outcome)).toEqual([]);
    expect(isComplete(outcome.file)).toBe(true);
  }
});

test('past a thousand children one more is counted, runs as ever, and is not recorded', async () => {
  const directory = temporaryDirectory();
  for (let number = 0; number < 1000; number++)
    writeFileSync(join(directory, `part.json.${number}.taken`), '1');
  const outcome = await runFamily(
    `import { spawn } from 'node:child_process';
     spawn(process.execPath, ['child.mjs', 'late'], { stdio: 'inherit' });`,
    { directory, files: { 'child.mjs': CHILD } },
  );
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(outcome.stdout).toContain('id 0');
  expect(partsOf(outcome)).toEqual([]);
  expect(readFileSync(join(directory, 'part.json.refused'), 'utf8')).toBe('.');
});

test('a child says nothing when the place for its trace is gone', async () => {
  const outcome = await runFamily(
    `import { spawn } from 'node:child_process';
     const child = spawn(process.execPath, ['child.mjs', 'x'], { stdio: ['ignore', 'pipe', 'inherit'] });
     child.on('exit', (code) => console.log('exit', code));`,
    { files: { 'child.mjs': CHILD }, env: { TTRACE_CHILDREN: '/no/such/directory/part.json' } },
  );
  expect(outcome).toMatchObject({ code: 0, stdout: 'exit 3\n', stderr: '' });
  expect(existsSync(outcome.file)).toBe(true);
});

test('a child whose flags keep the recorder from loading runs all the same', async () => {
  const outcome = await runFamily(
    `import { spawn } from 'node:child_process';
     // Resolves the packages of this repository to TypeScript, which Node 20 does not load.
     const flags = ['--conditions=ttrace-source', '-e', 'process.exitCode = 3'];
     spawn(process.execPath, flags).on('exit', (code) => console.log('exit', code));`,
  );
  expect(outcome).toMatchObject({ code: 0, stdout: 'exit 3\n' });
});
