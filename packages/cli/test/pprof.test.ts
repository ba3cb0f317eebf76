/** `ttrace pprof` as users call it: into files, pipes and terminals, and read by the real `go tool pprof` where PPROF_BIN names it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BIN, scratch, testdata, ttrace } from './ttrace-process.ts';

const pprof = process.env.PPROF_BIN ?? '';
if (pprof === '') console.warn('skipped: PPROF_BIN is not set');
const hasTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux');

const TRACE = `# ttrace text 1
process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker 1"
track l1 async 1 loop "0x1" "main event loop"
track s1 async 1 sample "0x1" "main samples"
slice 1/1 +0.000000000 0.050000000 region "job"
slice 1/1 +0.010000000 0.020000000 wait "lock db wait"
slice 1/1 +0.060000000 0.010000000 wait "lock db wait"
slice l1 +0.000000000 0.040000000 loop "hash a.js:3" {"blocked":true,"stack":["hash (/srv/a.js:3:5)","login (/srv/b.js:9:1)"]}
slice s1 +0.000000000 0.030000000 sample "main" {"location":"/srv/m.js:1"}
slice 1/1 +0.070000000 0.000001000 message "postMessage"
flow-out 1/1 +0.070000000 1 flow "flow"
slice 1/2 +0.075000000 0.005000000 message "message"
flow-in 1/2 +0.075000000 1 flow "flow"
`;

let directory: ReturnType<typeof scratch>;
let trace: string;
beforeEach(() => {
  directory = scratch();
  trace = directory.file('t.txt');
  writeFileSync(trace, TRACE);
});
afterEach(() => directory.remove());

test('-o writes a compressed profile and says nothing', async () => {
  const file = directory.file('block.pb.gz');
  const outcome = await ttrace(['pprof', trace, '--type', 'block', '-o', file]);
  expect(outcome).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(gunzipSync(readFileSync(file)).toString('latin1')).toContain('/srv/a.js');
});

test('without -o the profile goes to stdout, byte for byte the same', () => {
  const args = [BIN, 'pprof', trace, '--type', 'mutex'];
  const { status, stdout } = spawnSync(process.execPath, args);
  expect(status).toBe(0);
  const file = directory.file('mutex.pb.gz');
  spawnSync(process.execPath, [...args, '-o', file]);
  expect(stdout.equals(readFileSync(file))).toBe(true);
});

test('--folded prints one line a stack, --region counts what is inside alone', async () => {
  const folded = ['pprof', trace, '--type', 'mutex', '--folded'];
  expect((await ttrace(folded)).stdout).toBe('job;lock db wait 20000000\nlock db wait 10000000\n');
  expect((await ttrace([...folded, '--region', 'job'])).stdout).toBe('job;lock db wait 20000000\n');
  expect((await ttrace([...folded, '--from', '61ms'])).stdout).toBe('lock db wait 10000000\n');
});

test('--top prints a table', async () => {
  const { code, stdout } = await ttrace(['pprof', trace, '--type', 'mutex', '--top', '1']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^lock db wait +30\.0 ms +100\.0 % +30\.0 ms +100\.0 % +2$/m);
  expect(stdout).toContain('… and 1 more: --top 2');
});

test('a type that there is not ends with exit code 2 and the list of types', async () => {
  for (const args of [['--type', 'heap'], []]) {
    const { code, stdout, stderr } = await ttrace(['pprof', trace, ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('block, mutex, message, cpu');
  }
});

test('a profile of nothing is no file but a message and exit code 1', async () => {
  const file = directory.file('x.pb.gz');
  const whole = await ttrace(['pprof', testdata('order.json'), '--type', 'cpu', '-o', file]);
  expect(whole).toMatchObject({ code: 1, stdout: '' });
  expect(whole.stderr).toBe(
    'ttrace: CPU samples: there is nothing of that in the trace: record with ttrace run --sources samples\n',
  );
  const part = await ttrace(['pprof', trace, '--type', 'mutex', '--region', 'nowhere', '-o', file]);
  expect(part.stderr).toContain('in the part of the trace that was asked for');
  expect(existsSync(file)).toBe(false);
});

test('the trace itself is never overwritten', async () => {
  const { code } = await ttrace(['pprof', trace, '--type', 'mutex', '-o', trace]);
  expect(code).toBe(2);
  expect(readFileSync(trace, 'utf8')).toBe(TRACE);
});

test.skipIf(hasTerminal !== true)('a terminal gets advice in place of bytes', () => {
  const command = `exec '${process.execPath}' '${BIN}' pprof '${trace}' --type block`;
  const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stdout).toContain('write it with -o block.pb.gz');
});

describe.skipIf(pprof === '')('go tool pprof', () => {
  test.each([
    ['block', 'delay', /40ms +100% .+ hash/],
    ['mutex', 'delay', /30ms +100% .+ lock db wait/],
    ['message', 'delay', /5ms +100% .+ main → worker 1/],
    ['cpu', 'cpu', /30ms +100% .+ main/],
  ])('reads a %s profile', async (type, value, line) => {
    const file = directory.file(`${type}.pb.gz`);
    await ttrace(['pprof', trace, '--type', type, '-o', file]);
    const { status, stdout, stderr } = spawnSync(pprof, ['-top', file], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Type: ${value}`);
    expect(stdout).toMatch(line);
  });
});
