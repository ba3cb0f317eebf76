/** What is said of processes that cannot be attached, and that nothing happens to them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findTarget } from './find-target.ts';

describe.runIf(process.platform === 'linux')('a process that cannot be attached', () => {
  test.each([
    [Number.NaN, /which process\?/],
    [0, /which process\?/],
    [2_147_483_646, /there is no process 2147483646/],
    [process.pid, /this ttrace itself/],
  ])('%s', (pid, message) => {
    expect(() => findTarget(pid)).toThrow(message);
  });

  test('is a thread of one', () => {
    const thread = readdirSync('/proc/self/task')
      .map(Number)
      .find((id) => id !== process.pid)!;
    expect(() => findTarget(thread)).toThrow(`is a thread of process ${process.pid}: attach to that`);
  });

  test('is no Node.js, or stopped', async () => {
    const other = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(other, 'spawn');
    await expect.poll(() => attempt(other.pid!)).toMatch(/is no Node\.js with an inspector: sleep 60/);
    other.kill('SIGSTOP');
    await expect.poll(() => attempt(other.pid!)).toMatch(/is stopped/);
    expect(other.signalCode).toBe(null);
    other.kill('SIGKILL');
    await once(other, 'exit');
  });
});

test.runIf(process.platform === 'linux')(
  'a Node.js says what it was started with and takes SIGUSR1',
  async () => {
    const flags = ['--inspect-port=0', '-e', 'setInterval(() => {}, 1000); console.log(1)'];
    const other = spawn(process.execPath, flags, { env: { ...process.env, NODE_OPTIONS: '--no-warnings' } });
    await once(other.stdout, 'data');
    const target = findTarget(other.pid!);
    expect(target.flags).toEqual(expect.arrayContaining(['--inspect-port=0', '--no-warnings']));
    expect(target).toMatchObject({ pid: other.pid, root: '', noSignal: undefined });
    other.kill('SIGKILL');
    await once(other, 'exit');
  },
);

function attempt(pid: number): string {
  try {
    findTarget(pid);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
