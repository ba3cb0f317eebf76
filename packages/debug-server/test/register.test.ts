/** A debug server for a program that does nothing for it: `--import @ttrace/debug-server/register`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ask, program, serveProgram } from './served-program.ts';

const REGISTER = new URL('../dist/register.js', import.meta.url).href;
const BLOCKED = fileURLToPath(new URL('testdata/spin.mjs', import.meta.url));

async function run(address: string, ...args: readonly string[]): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, ['--import', REGISTER, ...args], {
    env: { ...process.env, TTRACE_DEBUG_SERVER: address },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (said += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, said };
}

test('a program ends as ever, and its child processes serve nothing', async () => {
  const { code, said } = await run('127.0.0.1:0', program('short.mjs'));
  expect(code).toBe(0);
  expect(said).toMatch(/child 0 (?!no)/);
  expect(said.match(/debug server/g)?.length ?? 0).toBeLessThanOrEqual(1);
});

test('a port that is taken is said, and the program runs', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  try {
    const { code, said } = await run(String(port), '-e', 'setTimeout(() => console.log("ran"), 1000)');
    expect(code).toBe(0);
    expect(said).toContain(`ttrace: no debug server: 127.0.0.1:${port} is taken`);
    expect(said).toContain('ran');
  } finally {
    taken.close();
  }
});

test('a program that blocks at once, and is ended while it is looked at, ends as it says', async () => {
  const child = spawn(process.execPath, ['--import', REGISTER, BLOCKED], {
    env: { ...process.env, TTRACE_DEBUG_SERVER: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  while (!said.includes('\n')) await once(child.stderr, 'data');
  const url = said.slice('ttrace: debug server: '.length).trim();
  let stacks = '';
  while (!stacks.includes('spinAtOnce')) stacks = (await ask(`${url}goroutine?debug=2`)).text;
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
});

test('process.exit in the middle of captures keeps its code and its silence', async () => {
  const served = await serveProgram<{ readonly url: string }>('service.mjs');
  try {
    const headers = { authorization: 'Bearer open-sesame' };
    const captures = [
      'profile?seconds=50',
      'trace?seconds=50',
      'goroutine?seconds=50',
      'allocs?seconds=50',
    ].map((path) => ask(`${served.facts.url}${path}`, { headers }).catch(() => {}));
    await ask(`${served.facts.url}goroutine`, { headers });
    served.send('exit');
    expect(await once(served.child, 'exit')).toEqual([7, null]);
    await Promise.all(captures);
    expect(served.stderr()).toBe('');
  } finally {
    await served.end();
  }
});

test('workers that are ended while they start, under a profile, do not end the process', async () => {
  const served = await serveProgram<{ readonly url: string }>('service.mjs');
  try {
    const profile = ask(`${served.facts.url}profile?seconds=4`, {
      headers: { authorization: 'Bearer open-sesame' },
    }).catch(({ message }: Error) => message);
    const ended = once(served.child, 'exit');
    expect(await Promise.race([served.tell('churn'), ended])).toBe('ended');
    expect(await profile).toMatchObject({ status: 200 });
    expect([served.child.exitCode, served.child.signalCode, served.stderr()]).toEqual([null, null, '']);
  } finally {
    await served.end();
  }
});
