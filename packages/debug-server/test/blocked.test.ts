/** What a debug server says of a process whose main thread, and one of its workers, never come back to their event loops. */
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { readTrace } from '@ttrace/format';
import { Profile } from 'pprof-format';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Asked,
  ask,
  PPROF,
  pprof,
  program,
  type ServedProgram,
  serveProgram,
} from './served-program.ts';

let served: ServedProgram<{ readonly url: string; readonly stuck: number }>;
const get = (path: string): Promise<Asked> => ask(`${served.facts.url}${path}`);

beforeAll(async () => {
  served = await serveProgram('blocked.mjs');
  // Until it is blocked, and the recorder has seen it.
  let text = '';
  while (!text.includes('spinForever') || !text.includes('spinWorker')) {
    text = (await get('block?debug=1')).text;
  }
});
afterAll(() => served.end());

test('the stack dump shows what each thread runs, innermost first, and the task that goes on', async () => {
  const { status, text } = await get('goroutine?debug=2');
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
    const { status, headers, body } = await get('profile?seconds=1');
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
    const { body, text, status } = await get(`profile?seconds=1&thread=${served.facts.stuck}&clock=cpu`);
    expect([status, status === 200 ? '' : text]).toEqual([200, '']);
    const top = pprof(body, '-top');
    expect(pprof(body, '-raw')).toContain('samples/count cpu/nanoseconds');
    expect(top).toMatch(/flat%[\s\S]*?\n.* spinWorker\n/);
    expect(top).not.toContain('spinForever');
  });

  test('reads what blocks, and what waits, with their types', async () => {
    const block = (await get('block')).body;
    expect(pprof(block, '-raw')).toMatch(
      /PeriodType: contentions count\nPeriod: 1\n[\s\S]*contentions\/count delay\/nanoseconds/,
    );
    expect(pprof(block, '-top')).toMatch(/flat%[\s\S]*?\n.* (spinForever|spinWorker)\n/);
    expect(pprof(block, '-list=spinForever')).toContain(program('blocked.mjs'));
    const mutex = (await get('mutex')).body;
    expect(pprof(mutex, '-raw')).toContain('contentions/count delay/nanoseconds');
    expect(pprof(mutex, '-traces')).toMatch(/Atomics\.wait[^\n]*\n +critical/);
  });

  test('reads what goes on', async () => {
    const { body } = await get('goroutine');
    expect(pprof(body, '-raw')).toMatch(/PeriodType: goroutine count\nPeriod: 1\n/);
    expect(pprof(body, '-traces')).toMatch(/state: +running\n[\s\S]*spinForever/);
    expect(pprof((await get('threadcreate')).body, '-top')).toMatch(/1 .* worker \d+ stuck/);
  });
});

test('a difference has only what was added in its seconds', async () => {
  const nanosOf = (text: string): number =>
    [...text.matchAll(/^\d+ (\d+) @/gm)].reduce((sum, [, nanos]) => sum + Number(nanos), 0);
  const before = (await get('block?debug=1')).text;
  const { status, headers, body } = await get('block?seconds=1');
  expect(status).toBe(200);
  expect(headers['content-disposition']).toBe('attachment; filename="block-delta"');
  const after = (await get('block?debug=1')).text;
  expect(nanosOf(after)).toBeGreaterThan(nanosOf(before));
  const { sample } = Profile.decode(gunzipSync(body));
  const added = sample.reduce((sum, { value }) => sum + Number(value[1]), 0);
  expect(added).toBeGreaterThan(0);
  expect(added).toBeLessThan(nanosOf(after));
});

test('a trace of the next moment can be had', async () => {
  const { status, headers, body } = await ask(`${served.facts.url}../trace?seconds=0.3&format=pftrace`);
  expect(status).toBe(200);
  expect(headers['content-disposition']).toBe('attachment; filename="trace.pftrace"');
  const trace = await readTrace(Readable.from([body]));
  expect(trace.tracks.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['main', expect.stringContaining('waiter')]),
  );
});

test('nothing of it is said on stderr', () => {
  expect(served.stderr()).toBe('');
});
