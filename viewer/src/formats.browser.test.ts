/** One recording in two formats is one timeline: the same rows, slices, arguments, arrows and threads. */
import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTrace } from '@ttrace/format';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, launch, noBrowser, openPage, screenshot, timelineFrame } from './browser-test-kit.ts';
import { startViewer } from './start-viewer.ts';

/** What the engine knows of a trace, in words that do not depend on numbers that it gives out itself. */
const QUESTIONS = {
  slices: `select s.ts, s.dur, s.depth, s.category, s.name, coalesce(thread.name, track.name) as track, thread.tid
    from slice s join track on s.track_id = track.id left join thread_track on thread_track.id = track.id
    left join thread using (utid) order by s.ts, s.dur desc, s.name, track`,
  arguments: `select s.ts, s.name, a.key, a.int_value, a.string_value from slice s join args a using (arg_set_id)
    where a.key like 'debug.%' order by s.ts, s.name, a.key`,
  arrows: `select a.ts as begin, a.name as source, b.ts as end, b.name as target
    from flow f join slice a on f.slice_out = a.id join slice b on f.slice_in = b.id order by 1, 3`,
  threads: 'select tid, name from thread where tid > 0 order by tid',
} as const;

describe.skipIf(noBrowser !== '')('a recording of samples/first-trace as protobuf and as JSON', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-formats-'));
  const protobuf = join(directory, 'first.pftrace');
  const json = join(directory, 'first.json.gz');
  let browser: Browser;
  beforeAll(async () => {
    const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
    const run = (...args: string[]) => spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(run(at('../../samples/dist/first-trace/main.js'), protobuf)).toMatchObject({ status: 0 });
    expect(run(at('../../packages/cli/dist/bin.js'), 'convert', protobuf, json)).toMatchObject({ status: 0 });
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true });
  });

  /** The rows that a reader sees, and the engine's answers. */
  async function timelineOf(file: string, format: string): Promise<Record<string, readonly unknown[]>> {
    const trace = await readTrace(createReadStream(file));
    expect(trace).toMatchObject({ format, error: undefined, skipped: new Map() });
    await using viewer = await startViewer({ trace, title: format, fileName: format });
    await using watched = await openPage(browser);
    await watched.page.goto(viewer.urlOf('/timeline'));
    const frame = await timelineFrame(watched.page);
    await frame.waitForSelector('.track-shell h1');
    await frame.waitForSelector('.omnibox:not(.message-mode)');
    const seen: Record<string, readonly unknown[]> = {
      rows: await frame.locator('.track-shell h1:visible').allTextContents(),
    };
    for (const [name, sql] of Object.entries(QUESTIONS)) seen[name] = await ask(frame, sql);
    await screenshot(watched.page, `format-${format}`);
    return seen;
  }

  it('is the same timeline', async () => {
    expect(readFileSync(json).subarray(0, 2)).toEqual(Buffer.of(0x1f, 0x8b));
    const [first, second] = [await timelineOf(protobuf, 'perfetto'), await timelineOf(json, 'json')];
    for (const name of ['rows', ...Object.keys(QUESTIONS)]) {
      expect(second[name], name).toEqual(first[name]);
      expect(first[name]!.length, name).toBeGreaterThan(0);
    }
    expect(first.threads!.length).toBeGreaterThanOrEqual(11);
    expect(first.slices!.length).toBeGreaterThan(30);
  });
});
