/** Help texts are golden files: what users read changes only on purpose. `UPDATE_GOLDENS=1` writes them anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startTtrace, testdata, ttrace } from './ttrace-process.ts';

const COMMANDS = [
  ...[
    'run',
    'attach',
    'snapshot',
    'view',
    'report',
    'summary',
    'lint',
    'threads',
    'tasks',
    'gc',
    'mmu',
    'check',
    'diff',
    'pprof',
  ],
  ...['convert', 'export', 'query', 'trim', 'split', 'merge', 'scrub', 'validate', 'dump', 'footprint'],
];

const golden = (name: string): string => fileURLToPath(new URL(`goldens/${name}.txt`, import.meta.url));

const HELP = [['ttrace', ['--help']], ...COMMANDS.map((name) => [name, [name, '--help']] as const)] as const;

test('the help of each command is the golden text, at most 100 columns wide', async () => {
  for (const [name, args] of HELP) {
    const { code, stdout, stderr } = await ttrace(args, { env: { LANG: 'de_DE.UTF-8', COLUMNS: '40' } });
    if (process.env.UPDATE_GOLDENS === '1') writeFileSync(golden(name), stdout);
    expect(stdout).toBe(readFileSync(golden(name), 'utf8'));
    expect({ name, stderr, code }).toEqual({ name, stderr: '', code: 0 });
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  }
});

test('a process prints the help as well', async () => {
  expect(await startTtrace(['--help']).ended).toMatchObject({
    code: 0,
    stdout: readFileSync(golden('ttrace'), 'utf8'),
  });
});

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(await ttrace(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
});

const WRONG = [
  [[], 'which command?'],
  [['veiw', 'x'], 'view'],
  [['summary'], 'not enough non-option arguments'],
  [['summary', testdata('order.json'), '--tpo', '3'], 'tpo'],
  [['summary', testdata('order.json'), '--top', '0'], '--top takes a whole number from 1 on'],
  [['summary', testdata('order.json'), '--top'], 'not enough arguments following: top'],
  [['dump', testdata('order.json'), '--limit', 'x'], '--limit takes a whole number'],
  [['view', testdata('order.json'), '--port', '70000'], '--port takes a number from 0 to 65535'],
  [['view', testdata('order.json'), '--timeout', '5'], '--timeout goes with --once'],
  [['view', testdata('order.json'), '--once', '--timeout', '-1'], '--timeout takes a number of seconds'],
  [['convert', testdata('order.json'), 'out.svg'], 'end its name in .json, .pftrace or .txt'],
  [['trim', testdata('order.json')], 'output'],
  [['trim', testdata('order.json'), '-o', 'x.json', '--from', 'soon'], '--from takes a time'],
  [['trim', testdata('order.json'), '-o', 'x.json', '--from', '2s', '--to', '1s'], '--from lies behind --to'],
  [
    ['trim', testdata('order.json'), '-o', 'x.json', '--to', '2s', '--to', '1s'],
    '--to can be given only once',
  ],
  [['split', testdata('order.json')], 'either --max-bytes or --parts'],
  [['split', testdata('order.json'), '--max-bytes', '5'], '--max-bytes takes a size'],
  [['split', testdata('order.json'), '--parts', '0'], '--parts takes a whole number'],
  [['merge', testdata('order.json'), '-o', 'x.json'], 'two traces or more'],
  [['merge', testdata('order.json'), testdata('order.json'), '-o', 'x.json'], 'given twice'],
  [
    ['merge', testdata('order.json'), testdata('moment.json'), '-o', 'x.json', '--by', 'sun'],
    '--by takes auto, clock, wall',
  ],
  [['scrub', testdata('order.json'), '-o', 'x.json', '--keep', '('], '--keep takes a regular expression'],
  [['mmu', testdata('order.json'), '--count', 'gc,sleep'], '--count takes blocks, gc, waits, running'],
  [['mmu', testdata('order.json'), '--window', 'x'], '--window takes a time'],
  [['run'], 'which program?'],
  [['run', '--fast', 'app.js'], 'fast'],
  [['run', '-o', 'trace.txt', 'app.js'], 'cannot record as text'],
] as const;

test('a wrong command line ends with exit code 2 and says why on stderr', async () => {
  for (const [args, complaint] of WRONG) {
    const { code, stdout, stderr } = await ttrace(args);
    expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
    expect(stderr).toMatch(/^ttrace: /);
    expect(stderr.toLowerCase()).toContain(complaint.toLowerCase());
    expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
  }
  expect(await startTtrace(['summary']).ended).toMatchObject({ code: 2, stdout: '' });
});

test('completion prints a script for the shell, which asks the command for what could follow', async () => {
  const { code, stdout, stderr } = await ttrace(['completion'], { env: { SHELL: '/bin/bash' } });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('ttrace --get-yargs-completions');
  const commands = await ttrace(['--get-yargs-completions', 'ttrace', ''], { env: { SHELL: '/bin/bash' } });
  expect(commands.stdout.split('\n')).toEqual(expect.arrayContaining(['run', 'lint', 'critical-path']));
  const options = await ttrace(['--get-yargs-completions', 'ttrace', 'check', '--']);
  expect(options.stdout).toContain('--max-block');
});
