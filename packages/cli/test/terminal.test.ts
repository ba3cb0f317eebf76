/** `ttrace` in a real terminal, made by `script` of util-linux: Ctrl-C, and what goes to the terminal but never into files. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BIN, scratch, testdata, ttrace } from './ttrace-process.ts';

const noTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux')
  ? ''
  : 'terminal tests skipped: no `script` of util-linux to make a terminal with';
if (noTerminal !== '') console.warn(noTerminal);

const CTRL_C = '\u0003';
const ESCAPE = '\u001b';

let directory: ReturnType<typeof scratch>;
beforeEach(() => {
  directory = scratch();
});
afterEach(() => directory.remove());

/** A shell command that runs in a terminal of its own. */
function inTerminal(command: string) {
  const { NO_COLOR: _, ...env } = process.env;
  // `exec`, so that the terminal's process group holds nothing but the command.
  const child = spawn('script', ['-qec', `exec ${command}`, '/dev/null'], {
    cwd: directory.path,
    env: { ...env, SHELL: '/bin/sh', TERM: 'xterm-256color' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text));
  const ended = new Promise<{ code: number | null; screen: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, screen }));
  });
  const shows = async (text: string, times = 1): Promise<void> => {
    while (screen.split(text).length <= times) {
      if (child.exitCode !== null) throw new Error(`ended without showing ${text}: ${screen}`);
      await setTimeout(5);
    }
  };
  return { type: (keys: string) => child.stdin.write(keys), shows, ended };
}

const TTRACE = `'${process.execPath}' '${BIN}'`;

describe.skipIf(noTerminal !== '')('in a terminal', () => {
  test.each(['t.json', 't.json.gz', 't.pftrace'])(
    'Ctrl-C ends a program under `ttrace run` as it would alone, with exit code 130 and a whole trace in %s',
    async (file) => {
      const terminal = inTerminal(`${TTRACE} run -o ${file} '${testdata('wait.cjs')}'`);
      await terminal.shows('waiting');
      terminal.type(CTRL_C);
      const { code, screen } = await terminal.ended;
      expect(code, screen).toBe(130);
      expect(screen).toContain(`Look at it with: ttrace view ${file}`);
      expect(screen).not.toContain('Error');
      const { stdout, stderr } = await ttrace(['validate', directory.file(file)]);
      expect({ stdout, stderr }).toEqual({
        stdout: expect.stringContaining('nothing is wrong'),
        stderr: '',
      });
    },
  );

  test('a program that ends by itself on Ctrl-C gets it once, and its exit code is that of ttrace', async () => {
    writeFileSync(
      directory.file('app.cjs'),
      `let times = 0;
      const busy = setInterval(() => {}, 1000);
      process.on('SIGINT', () => {
        times++;
        setTimeout(() => {
          console.log('SIGINT came ' + times + ' times');
          process.exitCode = 7;
          clearInterval(busy);
        }, 300);
      });
      console.log('ready');`,
    );
    const terminal = inTerminal(`${TTRACE} run --quiet -o t.json app.cjs`);
    await terminal.shows('ready');
    terminal.type(CTRL_C);
    const { code, screen } = await terminal.ended;
    expect(screen).toContain('SIGINT came 1 times');
    expect(code).toBe(7);
    expect((await ttrace(['validate', directory.file('t.json')])).code).toBe(0);
  });

  test('a program that ignores Ctrl-C is ended by the third', async () => {
    const terminal = inTerminal(`${TTRACE} run -o t.json '${testdata('wait.cjs')}' stubborn`);
    await terminal.shows('waiting');
    // One that comes before the one before it is handled is no other. From the second on, the program has each of them twice:
    // from the terminal, and from ttrace.
    terminal.type(CTRL_C);
    await terminal.shows('ignored SIGINT');
    await setTimeout(300);
    terminal.type(CTRL_C);
    await terminal.shows('ignored SIGINT', 2);
    await setTimeout(300);
    terminal.type(CTRL_C);
    expect((await terminal.ended).code).toBe(128 + 9);
  });

  test('the program has the terminal on all three streams', async () => {
    writeFileSync(
      directory.file('app.cjs'),
      `console.log([process.stdin, process.stdout, process.stderr].map(({ isTTY }) => isTTY).join())`,
    );
    const { code, screen } = await inTerminal(`${TTRACE} run --quiet -o t.json app.cjs`).ended;
    expect(screen).toContain('true,true,true');
    expect(code).toBe(0);
  });

  test('Ctrl-C ends `ttrace view` with exit code 0', async () => {
    const terminal = inTerminal(`${TTRACE} view --no-open '${testdata('order.json')}'`);
    await terminal.shows('Trace viewer is listening on');
    terminal.type(CTRL_C);
    expect((await terminal.ended).code).toBe(0);
  });

  test('headings are bold on the terminal and plain in a file or pipe', async () => {
    const shown = await inTerminal(`${TTRACE} summary '${testdata('order.json')}'`).ended;
    expect(shown.screen).toContain(`${ESCAPE}[1m`);
    await inTerminal(`${TTRACE} summary '${testdata('order.json')}' > out.txt`).ended;
    const text = readFileSync(directory.file('out.txt'), 'utf8');
    expect(text).toContain('shop (pid 7)');
    expect(text).not.toContain(ESCAPE);
    const run = await inTerminal(`${TTRACE} run -o t.json '${testdata('greet.cjs')}' 0 > out.txt 2> err.txt`)
      .ended;
    expect(run).toMatchObject({ code: 0, screen: '' });
    expect(readFileSync(directory.file('out.txt'), 'utf8')).toBe('hello ["0"]\n');
    expect(readFileSync(directory.file('err.txt'), 'utf8')).toContain('Look at it with');
    for (const name of ['err.txt', 't.json']) {
      expect(readFileSync(directory.file(name), 'utf8')).not.toContain(ESCAPE);
    }
  });

  /**
   * Reads a trace that takes more than a second to come, which is when progress is shown.
   * @param shown what the terminal is to show before the trace ends, '' for nothing.
   */
  async function slowly(redirections: string, shown: string): Promise<string> {
    spawnSync('mkfifo', [directory.file('slow')]);
    const terminal = inTerminal(`${TTRACE} summary slow ${redirections}`);
    const source = createWriteStream(directory.file('slow'));
    // Until somebody reads.
    await once(source, 'open');
    source.write('[');
    await setTimeout(1500);
    source.write('{"ph":"i","name":"a","pid":1,"tid":1,"ts":1},\n');
    await setTimeout(300);
    // It may have begun to count later than the pipe was opened.
    const more = setInterval(() => source.write('{"ph":"i","name":"a","pid":1,"tid":1,"ts":1},\n'), 100);
    if (shown !== '') await terminal.shows(shown);
    clearInterval(more);
    source.end('{"ph":"i","name":"a","pid":1,"tid":1,"ts":2}]');
    const { code, screen } = await terminal.ended;
    expect(code, screen).toBe(0);
    return screen;
  }

  test('progress shows on the terminal, and the line is taken away at the end', async () => {
    const screen = await slowly('> out.txt', 'Reading slow: ');
    expect(screen).toMatch(/Reading slow: \d+ B/);
    expect(screen.endsWith(`\r${ESCAPE}[K`)).toBe(true);
    expect(readFileSync(directory.file('out.txt'), 'utf8')).not.toContain(ESCAPE);
  });

  test('progress does not go into a file', async () => {
    await slowly('> out.txt 2> err.txt', '');
    expect(existsSync(directory.file('err.txt'))).toBe(true);
    expect(readFileSync(directory.file('err.txt'), 'utf8')).toBe('');
  });
});
