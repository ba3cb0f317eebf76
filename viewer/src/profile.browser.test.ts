/** The page of a profile in a real browser: zoom by pointer and keyboard, without scripts, in light and dark, down to a phone. */
import { spawnSync } from 'node:child_process';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, noBrowser, openPage, screenshot } from './browser-test-kit.ts';
import { profiledTrace } from './profile-test-kit.ts';
import { startViewer, type Viewer } from './start-viewer.ts';

const pprof = process.env.PPROF_BIN ?? '';
if (noBrowser !== '') console.warn(noBrowser);
if (pprof === '') console.warn('skipped: PPROF_BIN is not set');

describe.skipIf(noBrowser !== '')('the page of a profile', () => {
  let browser: Browser;
  let viewer: Viewer;
  beforeAll(async () => {
    browser = await launch();
    viewer = await startViewer({ trace: profiledTrace(), title: 'shop.json', fileName: 'shop.json' });
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.close();
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [device, width] of [
      ['desktop', 1280],
      ['phone', 360],
    ] as const) {
      it(`fits a ${device} in ${colorScheme} without scripts`, async () => {
        const window = { viewport: { width, height: 740 }, colorScheme, javaScriptEnabled: false };
        await using watched = await openPage(browser, window);
        const { page } = watched;
        await page.goto(viewer.urlOf('/profile?type=block'));
        await screenshot(page, `profile-${device}-${colorScheme}`, true);
        expect((await page.locator('html').boundingBox())?.width).toBeLessThanOrEqual(width);
        const box = await page
          .getByRole('link', { name: /^login/ })
          .locator('rect')
          .boundingBox();
        expect(box!.width).toBeGreaterThan(300);
        expect(watched.complaints).toEqual([]);
      });
    }
  }

  it('makes a function as wide as the graph by a click, and all of it again', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(viewer.urlOf('/profile?type=block'));
    const sort = page.getByRole('link', { name: /^sort/ });
    const width = async () => (await sort.locator('rect').boundingBox())!.width;
    const before = await width();
    await sort.click();
    await page.waitForURL(/focus=/);
    expect(await width()).toBeGreaterThan(3 * before);
    await page.getByRole('link', { name: 'show all' }).click();
    await page.waitForURL((url) => !url.search.includes('focus'));
    expect(await width()).toBeCloseTo(before, 0);
    expect(watched.complaints).toEqual([]);
  });

  it('is reached by keyboard, box by box, with a mark on the one in focus', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(viewer.urlOf('/profile?type=block'));
    const focused = 'document.activeElement?.getAttribute("aria-label") ?? ""';
    const reached: string[] = [];
    for (let press = 0; press < 60 && !reached.at(-1)?.startsWith('sort'); press++) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate<string>(focused));
    }
    const boxes = reached.filter((label) => / ms, [\d.]+ %/.test(label)).map((label) => label.split(':')[0]);
    expect(boxes).toEqual(['all', 'login b.js', 'hash a.js', 'sort']);
    const stroke = 'getComputedStyle(document.activeElement.querySelector("rect")).strokeWidth';
    expect(await page.evaluate<string>(stroke)).not.toBe('1px');
    await page.keyboard.press('Enter');
    await page.waitForURL(/focus=/);
    expect(watched.complaints).toEqual([]);
  });

  it.skipIf(pprof === '')('offers a download that go tool pprof reads', async () => {
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(viewer.urlOf('/profile?type=mutex'));
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'mutex.pb.gz for go tool pprof' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('mutex.pb.gz');
    const { status, stdout, stderr } = spawnSync(pprof, ['-top', await download.path()], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/20ms 66\.67% .+ lock a&b wait/);
  });
});
