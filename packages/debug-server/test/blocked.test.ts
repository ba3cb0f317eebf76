/** What a debug server says of a process whose main thread, and one of its workers, never come back to their event loops. */
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { readTrace } from '@ttrace/format';
import { Profile } from 'pprof-format';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Asked, ask, PPROF, pprof, program, serveProgram } from './served-program.ts';

/** Answers by path. */
const answers = new Map<string, Asked>();
const answer = (path: string): Asked => answers.get(path)!;
let stuck: number;
let stderr: string;

// All that is asked, so that the processors are free again while the answers are looked at.
beforeAll(async () => {
  const served = await serveProgram<{ readonly url: string; readonly stuck: number }>('blocked.mjs');
  stuck = served.facts.stuck;
  const get = async (path: string, name = path): Promise<Asked> => {
    const asked = await ask(`${served.facts.url}${path}`);
    answers.set(name, asked);
    return asked;
  };
  // Until it is blocked, and the recorder has seen it.
  let text = '';
  while (!text.includes('spinForever') || !text.includes('spinWorker')) {
    text = (await get('block?debug=1', 'block before')).text;
  }
  await Promise.all([
    get('profile?seconds=1'),
    get('block?seconds=1'),
    get('../trace?seconds=0.3&format=pftrace', 'trace'),
  ]);
  await get(`profile?seconds=1&thread=${stuck}&clock=cpu`, 'processor time');
  await get('block?debug=1');
  for (const path of ['goroutine?debug=2', 'goroutine', 'threadcreate', 'block', 'mutex']) await get(path);
  stderr = served.stderr();
  await served.end();
});

test('the stack dump shows what each thread runs, innermost first, and the task that goes on', () => {
  const { status, text } = answer('goroutine?debug=2');
  expect(status).toBe(200);
  const [main, ...others] = text.split(/\n\n/);
  expect(main).toMatch(/^thread 0 "main" \[running\]:\nspinForever\(\)\n\t\/.*\/blocked\.mjs:\d+\n/);
  expect(others.join('\n')).toMatch(/thread \d+ "worker \d+ stuck" \[running\]:\nspinWorker\(\)/);
  expect(others.join('\n')).toMatch(/thread \d+ "worker \d+ waiter"/);
  expect(text).not.toContain('ttrace debug server');
  expect(text).toMatch(/task "order" \[.* s\]|task "order" \[\d+ ms\]/);
});

describe.skipIf(PPROF === '')('go tool pprof', () => {
  test('finds the functions that block, though they ran before the profile began', async () => {
    const { status, headers, body } = answer('profile?seconds=1');
    expect(status).toBe(200);
    expect(headers['content-disposition']).toBe('attachment; filename="profile"');
    const raw = pprof(body, '-raw');
    expect(raw).toContain('PeriodType: cpu nanoseconds\nPeriod: 10000000\n');
    expect(raw).toContain('samples/count cpu/nanoseconds');
    const top = pprof(body, '-top', '-tagfocus=thread=main');
    expect(top).toMatch(/flat%[\s\S]*?\n.* spinForever\n/);
    expect(pprof(body, '-top', '-tagfocus=thread=stuck')).toMatch(/flat%[\s\S]*?\n.* spinWorker\n/);
    const labelled = pprof(body, '-top', '-tagfocus=task=order', '-tagfocus=region=compute');
    expect(labelled).toMatch(/spinForever/);
    expect(labelled).not.toMatch(/spinWorker/);
    // A wait takes no processor.
    expect(Number(/([\d.]+)(ms|s) .* wait\n/.exec(top)?.[1] ?? 0)).toBe(0);
    expect(pprof(body, '-list=spinForever')).toMatch(/\d+(ms|s) +\d+: +(for|sum =|if)/);
  });

  test('reads the profile of one thread, by processor time where @datadog/pprof is installed', async () => {
    const { body, text, status } = answer('processor time');
    expect([status, status === 200 ? '' : text]).toEqual([200, '']);
    const top = pprof(body, '-top');
    expect(pprof(body, '-raw')).toContain('samples/count cpu/nanoseconds');
    expect(top).toMatch(/flat%[\s\S]*?\n.* spinWorker\n/);
    expect(top).not.toContain('spinForever');
  });

  test('reads what blocks, and what waits, with their types', async () => {
    const block = answer('block').body;
    expect(pprof(block, '-raw')).toMatch(
      /PeriodType: contentions count\nPeriod: 1\n[\s\S]*contentions\/count delay\/nanoseconds/,
    );
    expect(pprof(block, '-top')).toMatch(/flat%[\s\S]*?\n.* (spinForever|spinWorker)\n/);
    expect(pprof(block, '-list=spinForever')).toContain(program('blocked.mjs'));
    const mutex = answer('mutex').body;
    expect(pprof(mutex, '-raw')).toContain('contentions/count delay/nanoseconds');
    expect(pprof(mutex, '-traces')).toMatch(/Atomics\.wait[^\n]*\n +waitForTurn\n(?: [^\n]*\n)* +critical/);
  });

  test('reads what goes on', async () => {
    const { body } = answer('goroutine');
    expect(pprof(body, '-raw')).toMatch(/PeriodType: goroutine count\nPeriod: 1\n/);
    expect(pprof(body, '-traces')).toMatch(/state: +running\n[\s\S]*spinForever/);
    expect(pprof(answer('threadcreate').body, '-top')).toMatch(/1 .* worker \d+ stuck/);
  });
});

test('a difference has only what was added in its seconds', async () => {
  const nanosOf = (text: string): number =>
    [...text.matchAll(/^\d+ (\d+) @/gm)].reduce((sum, [, nanos]) => sum + Number(nanos), 0);
  const before = answer('block before').text;
  const { status, headers, body } = answer('block?seconds=1');
  expect(status).toBe(200);
  expect(headers['content-disposition']).toBe('attachment; filename="block-delta"');
  const after = answer('block?debug=1').text;
  expect(nanosOf(after)).toBeGreaterThan(nanosOf(before));
  const { sample } = Profile.decode(gunzipSync(body));
  const added = sample.reduce((sum, { value }) => sum + Number(value[1]), 0);
  expect(added).toBeGreaterThan(0);
  expect(added).toBeLessThan(nanosOf(after));
});

test('a trace of the next moment can be had', async () => {
  const { status, headers, body } = answer('trace');
  expect(status).toBe(200);
  expect(headers['content-disposition']).toBe('attachment; filename="trace.pftrace"');
  const trace = await readTrace(Readable.from([body]));
  expect(trace.tracks.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['main', expect.stringContaining('waiter')]),
  );
});

test('nothing of it is said on stderr', () => {
  expect(stderr).toBe('');
});
