/** The whole way of an event: a program records itself on eleven threads, and a browser shows what it recorded. */
import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EventKind, readTrace, type Trace, timeRange } from '@ttrace/format';
import type { Browser, Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ask,
  launch,
  noBrowser,
  openPage,
  pointOn,
  screenshot,
  timelineFrame,
  visibleMillis,
  type WatchedPage,
} from './browser-test-kit.ts';
import { startViewer, type Viewer } from './start-viewer.ts';

describe.skipIf(noBrowser !== '')('a recording of samples/first-trace', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-recording-'));
  let browser: Browser;
  let viewer: Viewer;
  let trace: Trace;
  beforeAll(async () => {
    const file = join(directory, 'first-trace.json');
    const program = fileURLToPath(new URL('../../samples/dist/first-trace/main.js', import.meta.url));
    // Rows are looked up by the names of threads, which counters of the runtime would share.
    const env = { ...process.env, TTRACE_SOURCES: 'none' };
    expect(spawnSync(process.execPath, [program, file], { env }).status).toBe(0);
    trace = await readTrace(createReadStream(file));
    browser = await launch();
    viewer = await startViewer({ trace, title: 'first-trace.json', fileName: 'first-trace.json' });
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.close();
    rmSync(directory, { recursive: true });
  });

  /** Thread and middle, in milliseconds since the first event, of each region `work`. */
  function work(): { thread: string; middle: number }[] {
    const { kind, name, start, value, track } = trace.columns;
    const first = timeRange(trace).start;
    return [...kind.keys()]
      .filter((row) => kind[row] === EventKind.slice && trace.strings.text(name[row]!) === 'work')
      .map((row) => ({
        thread: trace.tracks[track[row]!]!.name,
        middle: (start[row]! + value[row]! / 2 - first) / 1e6,
      }));
  }

  describe('as a whole', () => {
    let watched: WatchedPage;
    let frame: Frame;
    beforeAll(async () => {
      watched = await openPage(browser);
      await watched.page.goto(viewer.urlOf('/timeline'));
      frame = await timelineFrame(watched.page);
      await frame.waitForSelector('.track-shell h1');
      await frame.waitForSelector('.omnibox:not(.message-mode)');
    });
    afterAll(() => watched?.[Symbol.asyncDispose]());

    it('has a named row for main, the task and each of the ten workers', async () => {
      const rows = await frame.locator('.track-shell h1').allTextContents();
      const names = rows.map((name) => name.replace(/ \d{2,}$/, ''));
      expect(names.filter((name) => name === 'main')).toHaveLength(2);
      for (let worker = 0; worker < 10; worker++) {
        expect(names.filter((name) => name.endsWith(` worker-${worker}`))).toHaveLength(1);
      }
      const own = `http://127.0.0.1:${viewer.port}/`;
      expect(watched.requests.filter((url) => !url.startsWith(own) && !url.startsWith('data:'))).toEqual([]);
      expect(watched.complaints).toEqual([]);
      await screenshot(watched.page, 'first-trace');
    });

    it('joins every hand-out to the worker that took it up by an arrow', async () => {
      const sql =
        'select a.name || " > " || b.name as arrow from flow f join slice a on f.slice_out = a.id join slice b on f.slice_in = b.id';
      const arrows = (await ask(frame, sql)).map(({ arrow }) => arrow);
      expect(arrows).toEqual(Array.from({ length: 10 }, () => 'hand out > take up'));
    });
  });

  it('shows the arguments of a region that is clicked, in the stretch that the address asks for', async () => {
    const [{ thread, middle }] = work() as [{ thread: string; middle: number }];
    await using watched = await openPage(browser);
    await watched.page.goto(viewer.urlOf(`/timeline?start=${middle - 5}ms&end=${middle + 5}ms`));
    const frame = await timelineFrame(watched.page);
    await expect.poll(async () => (await visibleMillis(frame)).start).toBeCloseTo(middle - 5, 3);
    const point = await pointOn(frame, thread, middle);
    await watched.page.mouse.click(point.x, point.y);
    const details = frame.locator('.details-panel');
    await expect
      .poll(() => details.textContent())
      .toMatch(/Name\s*work.*debug\.task\s*1.*debug\.worker\s*\d/);
    await screenshot(watched.page, 'first-trace-region');
  });
});
