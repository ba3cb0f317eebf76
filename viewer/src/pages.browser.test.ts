/**
 * Every page of a real recording in a real browser: it reads, fits, asks for nothing elsewhere, and every link means what it says. And the
 * report of the same recording, opened from disk.
 */
import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readTrace, type Trace } from '@ttrace/format';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, noBrowser, openPage, screenshot, type WatchedPage } from './browser-test-kit.ts';
import { htmlReport } from './report.tsx';
import { startViewer, type Viewer } from './start-viewer.ts';
import { TABLE_PAGES } from './table-pages.ts';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Tasks, regions in one slice and in two, a blocked loop, waits, messages, on two threads. */
const PROGRAM = `
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import { trace } from ${JSON.stringify(pathToFileURL(fromHere('../../packages/sdk/dist/index.js')).href)};
const spin = (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); };
if (isMainThread) {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { workerData: shared });
  for (let i = 0; i < 40; i++) {
    await trace.withTask(i % 4 === 0 ? 'import' : 'order & <b>', async () => {
      trace.withRegion('parse', () => spin(i % 10 === 9 ? 40 : 0.2));
      trace.log('cache', 'miss ' + i);
      await trace.withRegion('load', async () => { spin(0.1); await sleep(i % 5); });
      worker.postMessage(i);
    });
  }
  worker.postMessage('end');
} else {
  parentPort.on('message', (message) => {
    if (message === 'end') return parentPort.close();
    if (message % 4 === 0) Atomics.wait(workerData, 0, 0, 3);
    trace.withRegion('work', () => spin(0.5));
  });
}
`;

describe.skipIf(noBrowser !== '')('the pages of a recording', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-pages-'));
  let browser: Browser;
  let viewer: Viewer;
  let trace: Trace;
  beforeAll(async () => {
    const [program, file] = [join(directory, 'orders.mjs'), join(directory, 'orders.json')];
    writeFileSync(program, PROGRAM);
    const command = [fromHere('../../packages/cli/bin/ttrace.js'), 'run', '-o', file, program];
    const { status, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    trace = await readTrace(createReadStream(file));
    browser = await launch();
    viewer = await startViewer({ trace, title: 'orders.json', fileName: 'orders.json' });
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.close();
    rmSync(directory, { recursive: true });
  });

  const get = (path: string) =>
    fetch(new URL(path, viewer.url), {
      headers: { cookie: `ttrace-${viewer.port}=${viewer.token}` },
    });
  const paths = ['/', '/utilization', ...TABLE_PAGES.map(({ id }) => `/${id}`)];
  const attributes = (html: string, name: string) =>
    [...html.matchAll(new RegExp(` ${name}="([^"]*)"`, 'g'))].map((match) => unescaped(match[1]!));
  const isOwn = (url: string) => url.startsWith(`http://127.0.0.1:${viewer.port}/`);

  describe('on a phone', () => {
    let watched: WatchedPage;
    beforeAll(async () => {
      watched = await openPage(browser, { viewport: { width: 360, height: 740 } });
    });
    afterAll(() => watched?.[Symbol.asyncDispose]());

    it.each(paths)('%s opens without a complaint and without a request elsewhere, and fits', async (path) => {
      const { page, requests, complaints, underWay } = watched;
      await page.goto(viewer.urlOf(path));
      await page.getByRole('heading', { level: 1 }).waitFor();
      // Pictures of the style sheet are asked for when the page is drawn.
      await page.evaluate(
        'new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))',
      );
      await expect.poll(underWay).toBe(0);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
      const asked = requests.splice(0);
      expect(asked[0]).toBe(viewer.urlOf(path));
      expect(asked.filter((url) => !isOwn(url))).toEqual([]);
      expect(complaints.splice(0)).toEqual([]);
    });
  });

  it('have links that all answer, to pages, files and the timeline', async () => {
    const links = new Set<string>();
    for (const path of paths) {
      const html = await (await get(path)).text();
      for (const link of attributes(html, 'href')) if (link.startsWith('/')) links.add(link);
    }
    expect(links.size).toBeGreaterThan(100);
    for (const link of links) {
      const answer = await get(link);
      await answer.arrayBuffer();
      expect.soft(answer.status, link).toBe(200);
    }
  });

  it('have bars that lead to exactly as many rows as they count', async () => {
    let bars = 0;
    for (const path of paths) {
      const html = await (await get(path)).text();
      for (const [, href, label] of html.matchAll(/<a href="([^"]+)" aria-label="(\S+) of [^"]+"><title>/g)) {
        bars++;
        const rows = /<span>([\d,]+) rows?/.exec(await (await get(unescaped(href!))).text())?.[1];
        expect.soft(rows, `${path} ${href}`).toBe(label);
      }
    }
    expect(bars).toBeGreaterThan(20);
  });

  it('are sorted by a click on a heading, and the other way by a second one', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(viewer.urlOf('/tasks/each'));
    const headings = page.getByRole('columnheader', { name: 'When' });
    const first = () => page.locator('tbody tr').first().textContent();
    await headings.getByRole('link').click();
    await expect.poll(() => headings.getAttribute('aria-sort')).toBe('descending');
    const last = await first();
    await headings.getByRole('link').click();
    await expect.poll(() => headings.getAttribute('aria-sort')).toBe('ascending');
    const earliest = await first();
    expect(earliest).not.toBe(last);
    const rows = (await (await get('/tasks/each.json?sort=startNanos')).json()) as { taskId: number }[];
    expect(last).toContain(String(rows[0]!.taskId));
    expect(earliest).toContain(String(rows.at(-1)!.taskId));
    expect(new URL(page.url()).search).toBe('?sort=startNanos&order=up');
  });

  it('are filtered by keyboard alone: skip link, filter, chip', async () => {
    await using watched = await openPage(browser, { javaScriptEnabled: true });
    const { page } = watched;
    await page.goto(viewer.urlOf('/tasks'));
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent.trim()')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('content');
    await page.locator('summary', { hasText: 'Filter' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Name').focus();
    await page.keyboard.type('order & <b>');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/tasks?name=*');
    expect(await page.locator('tbody th').allInnerTexts()).toEqual(['order & <b>']);
    await page.getByRole('link', { name: 'Take away Name' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/tasks');
    expect(await page.locator('tbody th').count()).toBe(2);
  });

  it('say of tasks of one name where the time of the slowest went', async () => {
    await using watched = await openPage(browser);
    await watched.page.goto(viewer.urlOf('/tasks'));
    await watched.page.getByRole('link', { name: 'order & <b>', exact: true }).click();
    await watched.page
      .getByRole('heading', { name: 'Where the time of the slowest 2 tasks of 30 went' })
      .waitFor();
    const first = watched.page.locator('section .data').first();
    expect(await first.locator('thead').textContent()).toBe('TimeSlowest 5 %AllIn the slow ones mostly');
    expect(watched.complaints).toEqual([]);
  });

  it('give their rows to the clipboard as Markdown', async () => {
    await using watched = await openPage(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
    await watched.page.goto(viewer.urlOf('/tasks?name=import'));
    await watched.page.getByRole('link', { name: 'Copy as Markdown' }).click();
    await watched.page.getByText('Copied.').waitFor();
    const copied = await watched.page.evaluate('navigator.clipboard.readText()');
    expect(copied).toMatch(/^## Tasks\n\nOnly `name=import`\.\n\n\| Task \|.*\| import \| 10 \|/s);
  });

  it('look right in light and dark, wide and narrow', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [1280, 360]) {
        await using watched = await openPage(browser, { colorScheme, viewport: { width, height: 800 } });
        for (const path of ['/tasks', '/threads?from=10ms', '/regions/each', '/lint']) {
          await watched.page.goto(viewer.urlOf(path));
          const name = path.replace(/\W+/g, '-');
          await screenshot(watched.page, `page${name}-${width}-${colorScheme}`, true);
        }
      }
    }
  });

  it('are one file in the report, which opens from disk without scripts and asks for nothing', async () => {
    const file = join(directory, 'report.html');
    writeFileSync(file, [...htmlReport({ trace, title: 'Orders', fileName: 'orders.json' })].join(''));
    for (const javaScriptEnabled of [true, false]) {
      await using watched = await openPage(browser, {
        javaScriptEnabled,
        viewport: { width: 360, height: 800 },
      });
      const { page } = watched;
      await page.goto(pathToFileURL(file).href);
      await page.getByRole('link', { name: 'tasks', exact: true }).first().click();
      await page.waitForURL('**/report.html#tasks');
      await page.getByRole('heading', { name: 'Tasks', exact: true }).waitFor();
      expect(await page.locator('body').evaluate((body) => body.scrollWidth)).toBeLessThanOrEqual(360);
      expect(watched.requests.filter((url) => !url.startsWith('data:'))).toEqual([pathToFileURL(file).href]);
      expect(watched.complaints).toEqual([]);
      await screenshot(page, `report-${javaScriptEnabled ? 'scripts' : 'plain'}`);
    }
  });
});

/** Text of an attribute as it was before it was escaped. */
function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}
