/** The timeline in a real browser: what a user sees and can do, and that nothing leaves the machine. */
import { Category, TraceBuilder } from '@ttrace/format';
import type { Browser, Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
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
import { MS, sampleTrace } from './viewer-test-kit.ts';

if (noBrowser !== '') console.warn(noBrowser);

describe.skipIf(noBrowser !== '')('the timeline with the bundled Perfetto', () => {
  let browser: Browser;
  let viewer: Viewer;
  beforeAll(async () => {
    browser = await launch();
    viewer = await startViewer({ trace: sampleTrace(), title: 'orders.json', fileName: 'orders.json' });
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.close();
  });

  describe('as a whole', () => {
    let watched: WatchedPage;
    let frame: Frame;
    beforeAll(async () => {
      watched = await openPage(browser);
      const { page } = watched;
      await page.goto(viewer.url);
      await page.getByRole('link', { name: 'Open the timeline' }).click();
      frame = await timelineFrame(page);
      await frame.waitForSelector('.track-shell h1');
      await frame.waitForSelector('.omnibox:not(.message-mode)');
    });
    afterAll(() => watched?.[Symbol.asyncDispose]());

    it('names the rows of the main thread, of tasks, of each worker and of counters, in this order, and hides empty ones', async () => {
      const names = await frame.locator('.track-shell h1:visible').allTextContents();
      expect(names.map((name) => name.replace(/ \d{4}$/, ''))).toEqual([
        'main',
        'order',
        'worker 1',
        'worker 2',
        'worker 3',
        'queue',
      ]);
      expect(await frame.locator('.track-group-panel h1').allTextContents()).toEqual(['node orders.js 4100']);
      const shown = await visibleMillis(frame);
      expect(shown.start).toBeCloseTo(0, 6);
      expect(shown.end).toBeCloseTo(100, 3);
      await screenshot(watched.page, 'timeline');
    });

    // D7 of the known defects of go tool trace.
    it('asks nobody but the viewer, and leaves no error in the console', () => {
      const own = `http://127.0.0.1:${viewer.port}/`;
      expect(watched.requests.filter((url) => !url.startsWith(own) && !url.startsWith('data:'))).toEqual([]);
      expect(watched.requests).toContain(`${own}trace.pftrace`);
      expect(watched.complaints).toEqual([]);
    });

    it('keeps no copy of the trace in the browser', async () => {
      expect(await watched.page.evaluate('caches.keys()')).toEqual([]);
      const databases = await watched.page.evaluate('indexedDB.databases().then((all) => all.length)');
      expect(databases).toBe(0);
    });

    it('folds a process and pins a row', async () => {
      const worker = frame.locator('.track-shell', { hasText: 'worker 2' });
      await worker.hover();
      await worker.getByTitle('Pin to the top').click();
      await expect.poll(() => frame.locator('.pinned-panel-container h1').allTextContents()).toHaveLength(1);
      await frame.locator('.track-group-panel .shell').click();
      await expect.poll(() => frame.locator('.track-shell h1:visible').count()).toBe(1);
      await screenshot(watched.page, 'pinned-and-folded');
    });
  });

  it('puts what belongs to a thread beside it, workers in the order of their numbers', async () => {
    const builder = new TraceBuilder();
    const text = (value: string) => builder.strings.intern(value);
    builder.relative(1, 0);
    builder.process(7).name = 'node app.js';
    for (const [tid, name] of [
      [7, 'main'],
      [19, 'worker 10 b'],
      [18, 'worker 9 a'],
    ] as const) {
      const thread = builder.threadTrack(7, tid);
      builder.tracks[thread]!.name = name;
      const loop = builder.asyncTrack(7, Category.loop, `0x${tid}`, `${name} event loop`);
      const life = builder.asyncTrack(7, Category.worker, `0x${tid}`, name);
      for (const track of tid === 7 ? [thread, loop] : [thread, loop, life]) {
        builder.slice(track, text(`of ${name}`), text('x'), 0, MS, 0);
      }
      builder.counter(builder.counterTrack(7, `${name} heap`, ''), text('heap'), 0, 1);
    }
    const trace = builder.finish('json', 1);
    await using own = await startViewer({ trace, title: 'app.json', fileName: 'app.json' });
    await using watched = await openPage(browser);
    await watched.page.goto(own.urlOf('/timeline'));
    const frame = await timelineFrame(watched.page);
    await frame.waitForSelector('.track-shell h1');
    const names = await frame.locator('.track-shell h1:visible').allTextContents();
    expect(names.map((name) => name.replace(/(main|a|b) \d+$/, '$1'))).toEqual([
      ...['main', 'main event loop'],
      ...['worker 9 a', 'worker 9 a', 'worker 9 a event loop'],
      ...['worker 10 b', 'worker 10 b', 'worker 10 b event loop'],
      ...['main heap', 'worker 9 a heap', 'worker 10 b heap'],
    ]);
  });

  it('zooms to the stretch in the address, shows a clicked slice with its arguments, and draws its arrow to the worker', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(viewer.urlOf('/timeline?start=28ms&end=42ms'));
    const frame = await timelineFrame(page);
    await expect.poll(async () => (await visibleMillis(frame)).start).toBeCloseTo(28, 6);
    expect((await visibleMillis(frame)).end).toBeCloseTo(42, 6);
    const charge = await pointOn(frame, 'worker 1', 37);
    await page.mouse.click(charge.x, charge.y);
    const details = frame.locator('.details-panel');
    await expect.poll(() => details.textContent()).toContain('/orders/3');
    expect(await details.textContent()).toMatch(/charge.*Start time\s*35ms\s*Duration\s*4ms/);
    const flows = () => frame.evaluate('globals.connectedFlows.map((flow) => flow.end.sliceName)');
    await expect.poll(flows).toEqual(['charge']);
    await screenshot(page, 'selected-slice');
  });

  it('works in two tabs at once and after a reload', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    const other = await page.context().newPage();
    await page.goto(viewer.urlOf('/timeline'));
    await Promise.all([timelineFrame(page), other.goto(viewer.urlOf('/timeline?start=1ms&end=2ms'))]);
    await timelineFrame(other);
    await page.reload();
    const frame = await timelineFrame(page);
    await expect.poll(() => frame.locator('.track-shell h1:visible').count()).toBe(6);
  });

  it('says so when the trace cannot be fetched', async () => {
    await using watched = await openPage(browser);
    await watched.page.route('**/trace.pftrace*', (route) => route.abort('connectionreset'));
    await watched.page.goto(viewer.urlOf('/timeline'));
    const failure = watched.page.locator('#status.failed');
    await failure.waitFor();
    expect(await failure.textContent()).toContain('Is the ttrace command still running?');
    await screenshot(watched.page, 'failed');
  });
});

describe.skipIf(noBrowser !== '')('a viewer that serves one reader', () => {
  it('knows when the timeline stands, and the timeline goes on without it', async () => {
    const viewer = await startViewer({ trace: sampleTrace(), title: 'once.json', fileName: 'once.json' });
    const browser = await launch();
    try {
      await using watched = await openPage(browser);
      const { page } = watched;
      await page.goto(viewer.urlOf('/timeline'));
      await viewer.untilShown();
      await viewer.close();
      const frame = await timelineFrame(page);
      const charge = await pointOn(frame, 'worker 1', 37);
      await page.mouse.click(charge.x, charge.y);
      await expect.poll(() => frame.locator('.details-panel').textContent()).toContain('/orders/3');
      expect(watched.complaints).toEqual([]);
      await screenshot(page, 'once');
    } finally {
      await browser.close();
      await viewer.close();
    }
  });
});

describe.skipIf(noBrowser !== '')('a trace that Perfetto cannot read', () => {
  it('is said to be so, and stays said', async () => {
    await using viewer = await startViewer({ trace: sampleTrace(), title: 'bad.json', fileName: 'bad.json' });
    const browser = await launch();
    try {
      await using watched = await openPage(browser);
      const { page } = watched;
      await page.route('**/trace.pftrace*', (route) => route.fulfill({ body: 'neither fish nor flesh' }));
      await page.goto(viewer.urlOf('/timeline'));
      const failure = page.locator('#status.failed');
      await failure.waitFor();
      await page.waitForTimeout(300);
      expect(await failure.textContent()).toContain('The timeline could not show this trace.');
      await screenshot(page, 'unreadable');
    } finally {
      await browser.close();
    }
  });
});

describe.skipIf(noBrowser !== '')('a trace larger than one view', () => {
  it('is shown stretch by stretch, each at its own time', async () => {
    const trace = sampleTrace();
    await using viewer = await startViewer({ trace, title: 'big.json', fileName: 'big.json', maxEvents: 40 });
    const browser = await launch();
    try {
      await using watched = await openPage(browser);
      const { page } = watched;
      await page.goto(viewer.urlOf('/timeline'));
      await screenshot(page, 'pieces');
      await page.locator('tbody tr').nth(1).getByRole('link', { name: 'show' }).click();
      const frame = await timelineFrame(page);
      const asked = new URL(page.url()).searchParams;
      const shown = await visibleMillis(frame);
      expect(shown.start).toBeCloseTo(Number(asked.get('from')) * 1e3, 6);
      const point = await pointOn(frame, 'main', Math.ceil(shown.start / 10) * 10 + 1);
      await page.mouse.click(point.x, point.y);
      const details = () => frame.locator('.details-panel').textContent();
      await expect.poll(details).toContain('dispatch');
      expect(await details()).toMatch(/Start time\s*50ms\s*Duration/);
      await screenshot(page, 'piece');
    } finally {
      await browser.close();
    }
  });
});
