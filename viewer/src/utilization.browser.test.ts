/** The page of utilisation in a real browser: plot, click, worst windows and heat map, with and without scripts, wide and narrow. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, noBrowser, openPage, screenshot } from './browser-test-kit.ts';
import { startViewer, type Viewer } from './start-viewer.ts';
import { stoppedTrace } from './viewer-test-kit.ts';

if (noBrowser !== '') console.warn(noBrowser);

describe.skipIf(noBrowser !== '')('the page of utilisation', () => {
  let browser: Browser;
  let viewer: Viewer;
  beforeAll(async () => {
    browser = await launch();
    viewer = await startViewer({ trace: stoppedTrace(), title: 'stops.json', fileName: 'stops.json' });
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.close();
  });

  const worstRows = (page: Page) => page.locator('#worst tbody tr');

  it('draws the curve from files of its own, and a click leads to the worst windows of that length', async () => {
    await using watched = await openPage(browser);
    const { page, requests, complaints } = watched;
    await page.goto(viewer.urlOf('/utilization?thread=main&percentiles=1'));
    const plot = page.locator('#plot .u-over');
    await plot.waitFor();
    expect(await page.locator('#plot .u-series').count()).toBe(5);
    expect(await page.locator('#plot .u-axis').count()).toBeGreaterThan(0);
    await screenshot(page, 'utilization-plot', true);
    const box = (await plot.boundingBox())!;
    await page.mouse.click(box.x + box.width * 0.75, box.y + box.height / 2);
    await page.waitForURL(/window=/);
    expect(new URL(page.url()).searchParams.get('percentiles')).toBe('1');
    await worstRows(page).first().waitFor();
    expect(await worstRows(page).first().textContent()).toContain('hash auth.js:12');
    await screenshot(page, 'utilization-worst', true);
    await worstRows(page).first().getByRole('link').click();
    await page.waitForURL(/\/timeline\?start=/);
    expect(complaints).toEqual([]);
    expect(
      requests.filter(
        (url) => !url.startsWith(`http://127.0.0.1:${viewer.port}/`) && !/^(blob|data):/.test(url),
      ),
    ).toEqual([]);
  });

  it('works by its boxes and links without scripts', async () => {
    await using watched = await openPage(browser, { javaScriptEnabled: false });
    const { page } = watched;
    await page.goto(viewer.urlOf('/utilization'));
    expect(await page.locator('#plot').isVisible()).toBe(false);
    await page.getByRole('link', { name: 'main', exact: true }).click();
    await page.getByLabel('show percentiles').check();
    await page.getByLabel('waits that stop the thread').uncheck();
    await page.getByRole('button', { name: 'Apply' }).click();
    expect(new URL(page.url()).search).toBe('?thread=main&count=blocks,gc&percentiles=1');
    expect(await page.locator('table.lengths thead th').allTextContents()).toEqual([
      'Window',
      'Minimum',
      'p99.9',
      'p99',
      'p95',
    ]);
    await page.locator('table.lengths').getByRole('link', { name: '50.0 ms' }).click();
    expect(await worstRows(page).first().textContent()).toContain('hash auth.js:12 40.0 ms');
    expect(watched.complaints).toEqual([]);
  });

  it('has a heat map whose bins lead to the timeline, by arrow keys as well', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(viewer.urlOf('/utilization'));
    const bins = page.locator('svg.heat').first().locator('a');
    expect(await bins.count()).toBeGreaterThan(100);
    await bins.first().focus();
    for (let i = 0; i < 20; i++) await page.keyboard.press('ArrowRight');
    const focused = () => page.evaluate<string>('document.activeElement.getAttribute("aria-label")');
    expect(await focused()).toMatch(/^main, .*Blocked loop/);
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toMatch(/^worker, /);
    expect(await page.locator('svg.heat a[tabindex="0"]').count()).toBe(2);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/timeline\?start=/);
    expect(watched.complaints).toEqual([]);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [device, width, height] of [
      ['desktop', 1280, 800],
      ['phone', 360, 700],
    ] as const) {
      it(`fits a ${device} in ${colorScheme}`, async () => {
        await using watched = await openPage(browser, { viewport: { width, height }, colorScheme });
        const { page } = watched;
        await page.goto(viewer.urlOf('/utilization?thread=main&percentiles=1&window=50ms'));
        await page.locator('#plot .u-over').waitFor();
        await screenshot(page, `utilization-${device}-${colorScheme}`, true);
        expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(
          width,
        );
        expect(watched.complaints).toEqual([]);
      });
    }
  }
});
