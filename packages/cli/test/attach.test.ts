/** `ttrace attach` and `ttrace snapshot` with real processes that were started without ttrace. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { startTarget, type Target } from './target-program.ts';
import { scratch, startTtrace, ttrace } from './ttrace-process.ts';

const REGISTER = createRequire(import.meta.url).resolve('@ttrace/sdk/register');

const directory = scratch();
const targets: Target[] = [];
afterAll(async () => {
  for (const { process } of targets) process.kill('SIGKILL');
  await Promise.all(targets.map(({ ended }) => ended));
  directory.remove();
});

async function start(source: string, options?: Parameters<typeof startTarget>[2]): Promise<Target> {
  const target = await startTarget(directory.path, source, options);
  targets.push(target);
  return target;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly tid: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** The events of a trace that must be complete. */
function eventsOf(file: string): TraceEvent[] {
  return JSON.parse(readFileSync(file, 'utf8')) as TraceEvent[];
}

function threadsOf(events: readonly TraceEvent[]): string[] {
  return events
    .filter(({ ph, name }) => ph === 'M' && name === 'thread_name')
    .map(({ args }) => String(args?.name).replace(/ \d+/, ''))
    .sort();
}

/** Workers, one of them nested, one that waits on shared memory, and one that begins when it is told to. */
const WORKERS = `
  const nested = 'setInterval(() => {}, 50)';
  new Worker(\`const { Worker } = require('node:worker_threads');
    setInterval(() => {}, 50); new Worker(\${JSON.stringify(nested)}, { eval: true, name: 'nested' });\`, { eval: true, name: 'outer' });
  new Worker('setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 1)', { eval: true, name: 'waiting' });
  process.on('message', (word) => {
    if (word === 'late') new Worker('setInterval(() => {}, 50)', { eval: true, name: 'late' });
    if (word === 'exit') process.exit(3);
  });
  setTimeout(() => process.send('ready'), 500);`;

describe('a process with workers', () => {
  test('is recorded, once and again, and is left as it was; also when ttrace is killed or the process ends', async () => {
    const target = await start(WORKERS);
    const before = await target.fingerprint();
    const [first, second, third, fourth] = ['1.json', '2.json', '3.json', '4.json'].map(directory.file);

    const running = startTtrace(['attach', String(target.pid), '-o', first!, '--seconds', '60']);
    await untilRecording(running.process.stderr!);
    target.send('late');
    await expect.poll(() => readFileSync(first!, 'utf8'), { timeout: 20_000 }).toMatch(/worker \d+ late/);
    running.process.kill('SIGINT');
    const outcome = await running.ended;
    expect(outcome).toMatchObject({ code: 0, stdout: '' });
    expect(outcome.stderr).toContain('main and 3 workers');
    expect(outcome.stderr).toContain('Look at it with: ttrace view');
    expect(threadsOf(eventsOf(first!))).toEqual([
      'main',
      'worker late',
      'worker nested',
      'worker outer',
      'worker waiting',
    ]);
    await expect.poll(() => target.fingerprint(), { timeout: 5000 }).toEqual(before);

    const again = await ttrace([
      'attach',
      String(target.pid),
      '-o',
      second!,
      '--seconds',
      '0.2',
      '--json',
      '--sources',
      'none,loop',
    ]);
    expect(again).toMatchObject({ code: 0 });
    expect(JSON.parse(again.stdout)).toMatchObject({
      pid: target.pid,
      cause: 'time',
      missed: [],
      report: { cause: 'stop', threads: 5, dropped: 0 },
      summary: { format: 'json' },
    });
    // It waits since before the recording: that is no blocked loop.
    const waiting = eventsOf(second!).find(({ args }) => /waiting$/.test(String(args?.name)))!;
    expect(eventsOf(second!).filter(({ tid, ph }) => tid === waiting.tid && ph === 'b')).toEqual([]);

    // Killed, it cannot remove the directory of its socket: the process does.
    const env = { TMPDIR: directory.path };
    const killed = startTtrace(['attach', String(target.pid), '-o', third!], { env });
    await untilRecording(killed.process.stderr!);
    killed.process.kill('SIGKILL');
    await killed.ended;
    await expect.poll(() => target.fingerprint(), { timeout: 20_000 }).toEqual(before);
    expect(threadsOf(eventsOf(third!))).toHaveLength(5);
    expect(readdirSync(directory.path).filter((name) => name.startsWith('ttrace-attach-'))).toEqual([]);

    const last = startTtrace(['attach', String(target.pid), '-o', fourth!]);
    await untilRecording(last.process.stderr!);
    target.send('exit');
    expect(await target.ended).toMatchObject({ code: 3 });
    const { code, stderr } = await last.ended;
    expect(stderr).toContain('it has ended; the trace is complete');
    expect(code).toBe(0);
    expect(threadsOf(eventsOf(fourth!))).toHaveLength(5);
  });
});

test('a process is recorded whose inspector, on any free port, another one closes just then', async () => {
  const target = await start(`
    const inspector = require('node:inspector');
    inspector.open(0);
    process.on('message', (word) => word === 'close' && inspector.close());
    setInterval(() => {}, 1000);
    process.send('ready');`);
  const file = directory.file('reopened.json');
  const running = startTtrace(['attach', String(target.pid), '-o', file, '--seconds', '0.2', '-q']);
  // It waits for the signal's effect by then, or will find it closed.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  target.send('close');
  expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
  expect(threadsOf(eventsOf(file))).toContain('main');
});

test('an inspector that opens as the command is stopped is closed', async () => {
  const target = await start(
    `
    const { url } = require('node:inspector');
    process.on('message', (pid) => {
      let wasOpen = false;
      setInterval(() => {
        if (url() !== undefined && !wasOpen) process.kill(Number(pid), 'SIGINT');
        if (url() === undefined && wasOpen) process.exit(3);
        wasOpen = url() !== undefined;
      }, 1);
    });
    process.send('ready');`,
    { flags: ['--inspect-port=0'] },
  );
  const running = startTtrace(['attach', String(target.pid), '-o', directory.file('stopped.json')]);
  target.send(String(running.process.pid));
  expect(await target.ended).toMatchObject({ code: 3 });
  expect(await running.ended).toMatchObject({ code: 130, stderr: 'ttrace: stopped by SIGINT\n' });
});

describe('a process whose main thread is in an endless loop', () => {
  const SPIN = `process.send('ready', function spin() { for (;;); });`;

  test('is recorded, with what blocks it', async () => {
    const target = await start(SPIN);
    const file = directory.file('blocked.json');
    const { code, stderr } = await ttrace(['attach', String(target.pid), '-o', file, '--seconds', '0.5']);
    expect(stderr).toMatch(/its main thread is busy, and was interrupted in .*spin \(.*target\.cjs:\d+\)/);
    expect(stderr).toContain('its main thread is blocked: the trace is complete');
    expect(code).toBe(0);
    expect(eventsOf(file).some(({ name }) => name.includes('spin'))).toBe(true);
  });

  test('has its flight recorder’s window written, and is recorded beside it', async () => {
    const env = { TTRACE_FLIGHT: 'signal:SIGUSR2' };
    const target = await start(SPIN, { flags: ['--require', REGISTER], env });
    const [snapshot, trace] = ['flight.json', 'beside.json'].map(directory.file);
    const { code, stdout } = await ttrace(['snapshot', String(target.pid), '-o', snapshot!, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ pid: target.pid, file: snapshot });
    expect(eventsOf(snapshot!).some(({ name }) => name.includes('spin'))).toBe(true);

    const attached = await ttrace(['attach', String(target.pid), '-o', trace!, '--seconds', '0.2', '-q']);
    expect(attached).toMatchObject({ code: 0, stdout: '' });
    expect(threadsOf(eventsOf(trace!))).toContain('main');
  });
});

describe('ttrace attach says why not', () => {
  const IDLE = `setInterval(() => {}, 1000); process.send('ready');`;

  test('when its command line is wrong', async () => {
    const outcome = await ttrace(['attach', '1', '--sources', 'nonsense']);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toContain('there is no source nonsense');
  });

  test('when the permission model closes the inspector', async () => {
    const flag =
      Number(process.versions.node.split('.')[0]) < 22 ? '--experimental-permission' : '--permission';
    const target = await start(IDLE, { flags: [flag, '--allow-fs-read=*'] });
    const { code, stderr } = await ttrace(['attach', String(target.pid)], { cwd: directory.path });
    expect(stderr).toContain('it runs under the permission model');
    expect(code).toBe(1);
  });

  test('when its port is taken, its file cannot be written, or it has no flight recorder', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const target = await start(IDLE, { flags: [`--inspect-port=${port}`] });
    const taken = await ttrace(['attach', String(target.pid)], { cwd: directory.path });
    expect(taken.stderr).toContain(`port ${port} is taken by process ${process.pid}`);
    expect(taken.code).toBe(1);
    server.close();
    await once(server, 'close');

    const before = await target.fingerprint();
    const refused = await ttrace(['attach', String(target.pid), '-o', '/nowhere/x.json']);
    expect(refused.stderr).toMatch(/cannot record into \/nowhere\/x\.json.*ENOENT/);
    expect(refused.code).toBe(1);
    const none = await ttrace(['snapshot', String(target.pid)], { cwd: directory.path });
    expect(none.stderr).toContain('runs no flight recorder');
    expect(none.code).toBe(1);
    await expect.poll(() => target.fingerprint(), { timeout: 5000 }).toEqual(before);
    expect(existsSync(directory.file('trace.json'))).toBe(false);
  });
});

/** Resolves when `ttrace attach` has said that it records. */
async function untilRecording(stderr: NodeJS.ReadableStream): Promise<void> {
  for (let text = ''; !text.includes('recording'); ) {
    const [part] = (await once(stderr, 'data')) as [string];
    text += part;
  }
}
