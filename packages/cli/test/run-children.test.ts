/** `ttrace run` with child processes: programs, commands and `node --test`, in one trace. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratch, startTtrace, ttrace } from './ttrace-process.ts';

let directory: ReturnType<typeof scratch>;
beforeEach(() => {
  directory = scratch();
});
afterEach(() => directory.remove());

interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly id?: string;
  readonly pid: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

function eventsIn(name: string): TraceEvent[] {
  return JSON.parse(readFileSync(directory.file(name), 'utf8')) as TraceEvent[];
}

function processNames(events: readonly TraceEvent[]): string[] {
  return events.filter(({ name }) => name === 'process_name').map(({ args }) => String(args?.name));
}

/** Pairs of processes that an arrow leads between. */
function arrowsBetweenProcesses(events: readonly TraceEvent[]): string[] {
  const sources = new Map(events.filter(({ ph }) => ph === 's').map(({ id, pid }) => [id, pid]));
  const targets = events.filter(({ ph, id, pid }) => ph === 'f' && sources.get(id) !== pid);
  return targets.map(({ id, pid }) => `${sources.get(id)} ${pid}`);
}

const PARENT = `const { fork } = require('node:child_process');
const { readdirSync, statSync } = require('node:fs');
const { dirname, join } = require('node:path');
// Once all that record have written something.
const killWhenWritten = () => {
  const directory = dirname(process.env.TTRACE_CHILDREN ?? 'x/y');
  const parts = readdirSync(directory).filter((name) => name.startsWith('part-'));
  const isWritten = parts.length > 1 && parts.every((name) => statSync(join(directory, name)).size > 100);
  setTimeout(() => (isWritten ? process.kill(process.pid, 'SIGKILL') : killWhenWritten()), 100);
};
if (process.argv[2] === 'child') {
  if (process.argv[3] === 'again') fork(__filename, ['child'], { cwd: '/' });
  if (process.argv[3] === 'killed') killWhenWritten();
} else {
  for (const what of ['again', 'killed']) {
    fork(__filename, ['child', what]).on('exit', (code, signal) => console.log(what, code, signal));
  }
}`;

test('children, their children and one that is killed are in one trace, with arrows to where they start', async () => {
  writeFileSync(directory.file('parent.cjs'), PARENT);
  const { code, stdout } = await ttrace(['run', '--children', 'parent.cjs'], { cwd: directory.path });
  expect(code).toBe(0);
  expect(stdout.split('\n').sort()).toEqual(['', 'again 0 null', 'killed null SIGKILL']);
  const events = eventsIn('trace.json');
  expect(processNames(events)).toEqual(Array(4).fill('node parent.cjs'));
  expect(new Set(arrowsBetweenProcesses(events)).size).toBe(3);
  const validated = await ttrace(['validate', directory.file('trace.json')]);
  expect(validated.code).toBe(0);
  expect(readdirSync(directory.path).sort()).toEqual(['parent.cjs', 'trace.json']);
});

test('without the option children are not recorded, and the environment is as it was', async () => {
  writeFileSync(directory.file('child.cjs'), '');
  writeFileSync(
    directory.file('show.cjs'),
    "console.log([process.env.TTRACE_CHILDREN, process.env.NODE_OPTIONS]); require('node:child_process').fork('child.cjs')",
  );
  const { stdout } = await ttrace(['run', 'show.cjs'], { cwd: directory.path, env: { NODE_OPTIONS: '' } });
  expect(stdout).toBe("[ undefined, '' ]\n");
  expect(processNames(eventsIn('trace.json'))).toEqual(['node show.cjs']);
});

test('a trace for Perfetto holds the children as well', async () => {
  writeFileSync(directory.file('parent.cjs'), PARENT);
  const file = directory.file('t.pftrace.gz');
  expect((await ttrace(['run', '--children', '-o', file, 'parent.cjs'], { cwd: directory.path })).code).toBe(
    0,
  );
  await ttrace(['convert', file, directory.file('t.json')]);
  const events = eventsIn('t.json');
  expect(processNames(events)).toHaveLength(4);
  expect(new Set(arrowsBetweenProcesses(events)).size).toBe(3);
});

test('a command is recorded as the Node.js processes that it starts, and keeps its exit code', async () => {
  writeFileSync(directory.file('one.cjs'), 'console.log(1)');
  writeFileSync(directory.file('two.cjs'), 'process.exitCode = 7');
  const { code, stdout } = await ttrace(['run', 'sh', '-c', 'node one.cjs; node two.cjs'], {
    cwd: directory.path,
  });
  expect({ code, stdout }).toEqual({ code: 7, stdout: '1\n' });
  expect(processNames(eventsIn('trace.json')).sort()).toEqual(['node one.cjs', 'node two.cjs']);
  // Again: what an earlier run left is replaced, not added to.
  await ttrace(['run', 'sh', '-c', 'node one.cjs'], { cwd: directory.path });
  expect(processNames(eventsIn('trace.json'))).toEqual(['node one.cjs']);
  const refused = await ttrace(['run', '--no-children', 'sh', '-c', 'touch ran'], { cwd: directory.path });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('leave out --no-children');
  expect(existsSync(directory.file('ran'))).toBe(false);
});

test('a command that starts no Node.js leaves no trace, which is said', async () => {
  writeFileSync(directory.file('trace.json'), '[]');
  const { code, stderr } = await ttrace(['run', 'sh', '-c', 'exit 3'], { cwd: directory.path });
  expect(code).toBe(3);
  expect(stderr).toContain('no trace was written');
  expect(readFileSync(directory.file('trace.json'), 'utf8')).toBe('[]');
});

test('the files of node --test are processes of the trace, and their tests its tasks', async () => {
  writeFileSync(directory.file('a.test.cjs'), "require('node:test').test('adds', () => {})");
  const { code } = await ttrace(['run', '--', 'node', '--test', 'a.test.cjs'], { cwd: directory.path });
  expect(code).toBe(0);
  const events = eventsIn('trace.json');
  expect(processNames(events)).toHaveLength(2);
  const tests = events.filter(({ cat, ph }) => cat === 'task' && ph === 'b').map(({ name }) => name);
  expect(tests).toContain('adds');
});

test('the directory of the children is gone when the run has ended', async () => {
  writeFileSync(directory.file('where.cjs'), 'console.log(process.env.TTRACE_CHILDREN)');
  const { stdout } = await ttrace(['run', '--children', 'where.cjs'], { cwd: directory.path });
  const pattern = stdout.trim();
  expect(pattern.startsWith(tmpdir())).toBe(true);
  expect(existsSync(pattern.slice(0, pattern.lastIndexOf('/')))).toBe(false);
});

test('a cluster is one trace, and ends with the signal that its run gets', async () => {
  writeFileSync(
    directory.file('cluster.cjs'),
    `const cluster = require('node:cluster');
     const http = require('node:http');
     if (cluster.isPrimary) {
       for (let at = 0; at < 2; at++) cluster.fork();
       let ready = 0;
       cluster.on('listening', (_worker, { port }) => {
         if (++ready < 2) return;
         http.get({ port, path: '/hello' }, (response) => response.resume().on('end', () => console.log('ready')));
       });
     } else http.createServer((_request, response) => response.end('hi')).listen(0);`,
  );
  const running = startTtrace(['run', '--children', 'cluster.cjs'], { cwd: directory.path });
  await running.said('ready');
  running.process.kill('SIGTERM');
  expect((await running.ended).code).toBe(128 + 15);
  const events = eventsIn('trace.json');
  expect(processNames(events)).toEqual(Array(3).fill('node cluster.cjs'));
  const server = events.find(({ cat, ph, name }) => cat === 'task' && ph === 'b' && name.includes('/hello'));
  const primary = events.find(({ name }) => name === 'process_name')?.pid;
  expect(server?.pid).not.toBe(primary);
});
