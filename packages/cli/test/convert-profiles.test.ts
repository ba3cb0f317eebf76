/** `ttrace convert` into the formats of profile viewers, each read back by that viewer's own importer where there is one to run. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scratch, testdata, ttrace } from './ttrace-process.ts';

const pprof = process.env.PPROF_BIN ?? '';
if (pprof === '') console.warn('skipped: PPROF_BIN is not set');
const require = createRequire(import.meta.url);
const PROFILER_CLI = require.resolve('@firefox-devtools/profiler-cli');

const TRACE = `# ttrace text 1
process 1 "shop"
track 1/1 thread "main"
track s1 async 1 sample "0x1" "main samples"
track t1 async 1 task "0x11" "order"
track c1 counter 1 "" "queue"
slice 1/1 +0.000000000 0.050000000 region "job"
slice t1 +0.000000000 0.060000000 task "order" {"task":17}
slice s1 +0.000000000 0.030000000 sample "main; or \\n so" {"location":"/srv/m.js:1"}
slice s1 +0.010000000 0.010000000 sample "parse" {"location":"/srv/p.js:7"}
counter c1 +0.000000000 3 "queue"
`;

let directory: ReturnType<typeof scratch>;
let trace: string;
beforeAll(() => {
  directory = scratch();
  trace = directory.file('t.txt');
  writeFileSync(trace, TRACE);
});
afterAll(() => directory.remove());

test('.speedscope.json, also compressed, says what it leaves out', async () => {
  const file = directory.file('t.speedscope.json.gz');
  const { code, stderr } = await ttrace(['convert', trace, file]);
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringContaining('(without 1 asynchronous slice, 1 counter sample)') as string,
  });
  const { name, profiles } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as {
    name: string;
    profiles: { name: string }[];
  };
  expect([name, ...profiles.map((each) => each.name)]).toEqual(['t.txt', 'main', 'main samples']);
});

test('the Firefox Profiler loads .profile.json, with its threads, samples, markers and counters', async () => {
  const file = directory.file('t.profile.json');
  expect(await ttrace(['convert', trace, file, '-q'])).toMatchObject({ code: 0, stderr: '' });
  const env = {
    ...process.env,
    PROFILER_CLI_SESSION_DIR: directory.file('sessions'),
    PROFILER_CLI_NO_SYMBOLICATE: '1',
  };
  const session = ['--session', 'ttrace'];
  const run = (...question: readonly string[]) =>
    spawnSync(process.execPath, [PROFILER_CLI, ...question, ...session], { env, encoding: 'utf8' });
  const ask = (...question: readonly string[]): string => run(...question).stdout;
  try {
    // It waits for its daemon, but on a busy machine not for long enough.
    while (run('load', file).status !== 0) run('stop');
    const threads = ask('thread', 'list', '--json');
    expect(JSON.parse(threads)).toMatchObject({
      threads: [{ name: 'main', processName: 'shop', pid: '1', tid: 1, markerCount: 2 }],
    });
    expect(ask('thread', 'samples')).toMatch(/parse - total: 10ms \(33\.3%\)/);
    expect(ask('thread', 'markers')).toMatch(/order +1 markers +\(interval: min=60ms/);
    expect(ask('counter', 'list')).toContain('queue');
  } finally {
    run('stop');
  }
});

test('.folded has a line a stack, in which nothing of a name breaks a line or a stack', async () => {
  const file = directory.file('t.folded');
  const { stderr } = await ttrace(['convert', trace, file]);
  expect(stderr).toMatch(/\(CPU samples\)\n$/);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(lines).toEqual(['main, or , so m.js:1 20000000', 'main, or , so m.js:1;parse p.js:7 10000000']);
  for (const line of lines) expect(line).toMatch(/^[^;]+(;[^;]+)* \d+$/);
});

test.skipIf(pprof === '')('go tool pprof reads .pb.gz', async () => {
  const file = directory.file('t.pb.gz');
  await ttrace(['convert', trace, file]);
  const { status, stdout } = spawnSync(pprof, ['-top', file], { encoding: 'utf8' });
  expect(status).toBe(0);
  expect(stdout).toMatch(/10ms 33\.33% .+ parse/);
});

test('--to goes before the extension, --type says which profile', async () => {
  const file = directory.file('any.json');
  await ttrace(['convert', trace, file, '--to', 'firefox']);
  expect(readFileSync(file, 'utf8')).toContain('"preprocessedProfileVersion":70');
  const none = await ttrace(['convert', trace, directory.file('x.pb.gz'), '--type', 'mutex']);
  expect(none).toMatchObject({ code: 1 });
  expect(none.stderr).toContain('the trace has nothing for --type mutex');
});

test('what makes no sense is said in a line, with exit code 2, and writes nothing', async () => {
  const file = directory.file('wrong.json');
  for (const [args, complaint] of [
    [['--to', 'chrome'], 'there is no format chrome, only json, pftrace, txt, speedscope'],
    [['--type', 'cpu'], '--type is for .pb.gz, .folded and .collapsed'],
    [['--to', 'pprof', '--type', 'heap'], 'there is no profile type heap, only block'],
  ] as const) {
    const { code, stderr } = await ttrace(['convert', trace, file, ...args]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(complaint) as string });
  }
  const none = await ttrace(['convert', testdata('order.json'), directory.file('none.pb.gz')]);
  expect(none.code).toBe(1);
  expect(existsSync(directory.file('none.pb.gz'))).toBe(false);
  expect(existsSync(file)).toBe(false);
});
