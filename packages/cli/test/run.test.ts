/** `ttrace run` with real programs: what they see, how they end, and what is in the trace. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratch, startTtrace, testdata, ttrace } from './ttrace-process.ts';

let directory: ReturnType<typeof scratch>;
beforeEach(() => {
  directory = scratch();
});
afterEach(() => directory.remove());

test('a program keeps its arguments, its output and its exit code, and leaves a trace with its threads', async () => {
  const { code, stdout, stderr } = await ttrace(['run', testdata('greet.cjs'), '3', '--quiet', '-o', '007'], {
    cwd: directory.path,
  });
  expect(stdout).toBe('hello ["3","--quiet","-o","007"]\n');
  expect(code).toBe(3);
  expect(stderr).toContain('grumble\n');
  expect(stderr).toContain('Look at it with: ttrace view trace.json');
  const summary = await ttrace(['summary', directory.file('trace.json'), '--json']);
  const { threads } = JSON.parse(summary.stdout) as { threads: { name: string }[] };
  expect(threads.map(({ name }) => name).join()).toContain('main');
  expect(threads.length).toBeGreaterThanOrEqual(2);
  expect((await ttrace(['validate', directory.file('trace.json')])).code).toBe(0);
});

test('Node.js may be named by its path, as this one or as a copy, with flags of its own', async () => {
  const copy = directory.file('other-node');
  copyFileSync(process.execPath, copy);
  for (const node of [process.execPath, copy]) {
    const file = directory.file('t.json');
    const { code, stdout } = await ttrace([
      'run',
      '-o',
      file,
      node,
      '--no-warnings',
      testdata('greet.cjs'),
      '3',
    ]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: 'hello ["3"]\n' });
    expect((await ttrace(['validate', file])).code).toBe(0);
  }
});

test('two dashes part the options of ttrace from the program, and --quiet leaves stderr to it', async () => {
  const args = [
    'run',
    '--quiet',
    '-o',
    directory.file('t.json.gz'),
    '--',
    testdata('greet.cjs'),
    '0',
    '--help',
  ];
  const { code, stdout, stderr } = await ttrace(args);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: 'hello ["0","--help"]\n',
    stderr: 'grumble\n',
  });
  expect(readFileSync(directory.file('t.json.gz'))[0]).toBe(0x1f);
});

test.each(['SIGTERM', 'SIGHUP'] as const)(
  '%s goes on to the program, and the trace is complete',
  async (signal) => {
    const file = directory.file('t.json');
    const running = startTtrace(['run', '-o', file, testdata('wait.cjs')]);
    await running.said('waiting');
    running.process.kill(signal);
    const { code } = await running.ended;
    expect(code).toBe(128 + (signal === 'SIGTERM' ? 15 : 1));
    expect((await ttrace(['validate', file])).code).toBe(0);
  },
);

test.runIf(process.platform === 'linux')(
  'SIGTERM before the program has begun leaves a trace too',
  async () => {
    const file = directory.file('t.json');
    const running = startTtrace(['run', '-o', file, testdata('wait.cjs')]);
    const { pid } = running.process;
    while (readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8') === '') await setTimeout(2);
    running.process.kill('SIGTERM');
    const { code, stderr } = await running.ended;
    expect(code).toBe(143);
    expect(stderr).toContain('Look at it with: ttrace view');
  },
);

test('a program that ignores signals is killed by the third', async () => {
  const running = startTtrace(['run', '-o', directory.file('t.json'), testdata('wait.cjs'), 'stubborn']);
  await running.said('waiting');
  running.process.kill('SIGTERM');
  await running.said('ignored SIGTERM');
  running.process.kill('SIGINT');
  await running.said('ignored SIGINT');
  running.process.kill('SIGTERM');
  expect((await running.ended).code).toBe(128 + 9);
});

test('a program that a signal kills has the exit code that a shell would show', async () => {
  const { code, stderr } = await ttrace([
    'run',
    '-o',
    directory.file('t.json'),
    testdata('suicide.cjs'),
    'SIGKILL',
  ]);
  expect(code).toBe(128 + 9);
  expect(stderr).not.toContain('at Object');
});

test('a program that does not exist is refused before anything is written', async () => {
  const { code, stdout, stderr } = await ttrace(['run', 'missing.js'], { cwd: directory.path });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^ttrace: cannot find the program missing\.js: .+\n$/);
  expect(readdirSync(directory.path)).toEqual([]);
});

test('a trace that cannot be written is refused before the program runs', async () => {
  const program = directory.file('mark.cjs');
  writeFileSync(program, `require('node:fs').writeFileSync(${JSON.stringify(directory.file('ran'))}, '')`);
  const { code, stderr } = await ttrace(['run', '-o', directory.file('none/t.json'), program]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ttrace: cannot write .+ -o FILE\n$/);
  expect(existsSync(directory.file('ran'))).toBe(false);
});

test('a trace goes into a pipe that is being read', async () => {
  const pipe = directory.file('t.json');
  execFileSync('mkfifo', [pipe]);
  const reader = readFile(pipe, 'utf8');
  const { code } = await ttrace(['run', '-o', pipe, testdata('greet.cjs'), '3']);
  expect(code).toBe(3);
  const events = JSON.parse(await reader) as { name: string }[];
  expect(events.map(({ name }) => name)).toContain('thread_name');
});

test('a script may be named without its extension, as with node', async () => {
  writeFileSync(directory.file('app.js'), 'process.exitCode = 5;');
  expect((await ttrace(['run', 'app'], { cwd: directory.path })).code).toBe(5);
});

test('footprint looks into the compressed packets of a recording', async () => {
  const file = directory.file('t.pftrace');
  await ttrace(['run', '-o', file, testdata('greet.cjs'), '0']);
  const { stdout } = await ttrace(['footprint', file, '--json']);
  const events = (JSON.parse(stdout) as { event: string }[]).map(({ event }) => event);
  expect(events).toContain('track descriptor');
  expect(events.filter((event) => event.includes('compressed') || event.startsWith('('))).toEqual([]);
});

test('of two runs into one file at once, the one that has lost it says so, and does not describe the other', async () => {
  writeFileSync(
    directory.file('wait.cjs'),
    `const { existsSync } = require('node:fs'); console.log('waiting'); const timer = setInterval(() => { if (existsSync('go')) clearInterval(timer); }, 20);`,
  );
  const first = startTtrace(['run', 'wait.cjs'], { cwd: directory.path });
  await first.said('waiting');
  const second = await ttrace(['run', testdata('greet.cjs'), '0'], { cwd: directory.path });
  expect(second.stderr).toContain('Look at it with: ttrace view trace.json');
  writeFileSync(directory.file('go'), '');
  const { code, stderr } = await first.ended;
  expect(code).toBe(0);
  expect(stderr).toContain('trace.json is not complete: the file was deleted or replaced meanwhile');
  expect(stderr).toContain(
    'ttrace: what is in trace.json now is of another run: name a file for each with -o',
  );
  expect(stderr).not.toContain('Look at it with');
});

test('--flight records no trace, but the moment of a trigger, and says where it is', async () => {
  writeFileSync(
    directory.file('stall.cjs'),
    `const { readdirSync } = require('node:fs');
    setTimeout(function stall() {
      const before = readdirSync('.').length;
      // Until there is a file: on a busy machine the recorder may still be on its way.
      do { const end = Date.now() + 1500; while (Date.now() < end); } while (readdirSync('.').length === before);
    }, 50);`,
  );
  const { code, stderr } = await ttrace(['run', '--flight', 'block>400ms', 'stall.cjs'], {
    cwd: directory.path,
  });
  expect(code).toBe(0);
  const files = readdirSync(directory.path).filter((name) => name !== 'stall.cjs');
  expect(files.at(-1)).toMatch(/^flight-.*-block-400ms\.json\.gz$/);
  expect(stderr).toMatch(/^ttrace: flight recorder \(block>400ms: .*stall\.cjs:\d, \d+ ms\) wrote /m);
  expect(stderr).toContain(`look at it with: ttrace view ${files.at(-1)}`);
  const summary = await ttrace(['summary', directory.file(files.at(-1)!)]);
  expect(summary.stdout).toMatch(/Trigger {2}block>400ms: .*stall\.cjs:\d, [\d.]+ m?s, at/);
  expect(summary.stdout).toMatch(/stall stall\.cjs:\d/);
});

test('--flight says so when nothing came true, and refuses triggers that it does not know', async () => {
  const quiet = await ttrace(['run', '--flight=error', testdata('greet.cjs'), '0'], { cwd: directory.path });
  expect(quiet.stderr).toContain('no trigger came true');
  expect(readdirSync(directory.path)).toEqual([]);
  writeFileSync(directory.file('throw.cjs'), `setTimeout(() => { throw new Error('too far'); }, 50);`);
  const elsewhere = await ttrace(['run', '--flight=error', 'throw.cjs'], {
    cwd: directory.path,
    env: { TTRACE_FLIGHT_DIR: 'elsewhere' },
  });
  const [file] = readdirSync(directory.file('elsewhere'));
  expect(elsewhere.stderr).toContain(`Flight recorder: look at it with: ttrace view elsewhere/${file}`);
  const wrong = await ttrace(['run', '--flight', 'bloc>1s', testdata('greet.cjs')]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('there is no trigger bloc>1s');
  expect(wrong.stdout).toBe('');
});

test('--debug-server serves the program while it runs, and no trace is written unless one is named', async () => {
  const args = ['run', '--debug-server=0', testdata('wait.cjs')];
  const running = startTtrace(args, { cwd: directory.path });
  let said = '';
  running.process.stderr!.on('data', (text: string) => (said += text));
  await running.said('waiting');
  const address = /^ttrace: debug server: (\S+)\n/m;
  while (!address.test(said)) await once(running.process.stderr!, 'data');
  const answer = await fetch(`${address.exec(said)![1]}cmdline`);
  expect((await answer.text()).split('\0').at(-1)).toBe(testdata('wait.cjs'));
  running.process.kill('SIGTERM');
  expect((await running.ended).code).toBe(128 + 15);
  expect(readdirSync(directory.path)).toEqual([]);
});

test('--pending-stacks has the first request show what the program has begun from its first line on', async () => {
  const running = startTtrace(['run', '--debug-server=0', '--pending-stacks', testdata('wait.cjs')], {
    cwd: directory.path,
  });
  let said = '';
  running.process.stderr!.on('data', (text: string) => (said += text));
  await running.said('waiting');
  const address = /^ttrace: debug server: (\S+)\n/m;
  while (!address.test(said)) await once(running.process.stderr!, 'data');
  const answer = await fetch(`${address.exec(said)![1]}goroutine?debug=2`);
  expect(await answer.text()).toMatch(/^pending Timeout "main" \[1\]:\n(.+\n)*\t.*wait\.cjs:\d+$/m);
  running.process.kill('SIGTERM');
  expect((await running.ended).code).toBe(128 + 15);
  expect(await ttrace(['run', '--pending-stacks', testdata('wait.cjs')])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--pending-stacks needs --debug-server'),
  });
});

test('--debug-server for what is no script, and an address that is none, end with exit code 2', async () => {
  const [command, address] = await Promise.all([
    ttrace(['run', '--debug-server', 'sh', '-c', 'true']),
    ttrace(['run', '--debug-server=:x', testdata('wait.cjs')]),
  ]);
  expect(command).toMatchObject({ code: 2, stderr: expect.stringContaining('sh is none') });
  expect(address).toMatchObject({ code: 2, stderr: expect.stringContaining('not :x') });
});
