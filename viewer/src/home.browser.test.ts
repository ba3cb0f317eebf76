/** The home page in a real browser: it fits windows from a phone up, in light and dark, and reads without scripts. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, noBrowser, openPage, screenshot } from './browser-test-kit.ts';
import { startViewer, type Viewer } from './start-viewer.ts';
import { sampleTrace } from './viewer-test-kit.ts';

if (noBrowser !== '') console.warn(noBrowser);

describe.skipIf(noBrowser !== '')('the home page', () => {
  let browser: Browser;
  let viewer: Viewer;
  beforeAll(async () => {
    const trace = sampleTrace();
    trace.tracks[2]!.dropped = 12;
    browser = await launch();
    viewer = await startViewer({ trace, title: 'orders.json', fileName: 'orders.json' });
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.close();
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [device, width, height] of [
      ['desktop', 1280, 800],
      ['phone', 375, 700],
    ] as const) {
      it(`fits a ${device} in ${colorScheme} without scripts`, async () => {
        const window = { viewport: { width, height }, colorScheme, javaScriptEnabled: false };
        await using watched = await openPage(browser, window);
        await watched.page.goto(viewer.url);
        await screenshot(watched.page, `home-${device}-${colorScheme}`, true);
        const root = watched.page.locator('html');
        expect((await root.boundingBox())?.width).toBeLessThanOrEqual(width);
        const heading = await watched.page.getByRole('heading', { level: 1 }).boundingBox();
        expect(heading!.x).toBeGreaterThanOrEqual(0);
        expect(watched.complaints).toEqual([]);
      });
    }
  }

  it('takes its colours from the system: dark text on light, light text on dark', async () => {
    const brightness = async (colorScheme: 'light' | 'dark') => {
      await using watched = await openPage(browser, { colorScheme });
      await watched.page.goto(viewer.url);
      const style = 'getComputedStyle(document.body)';
      const colours = await watched.page.evaluate<string[]>(`[${style}.color, ${style}.backgroundColor]`);
      const [text, ground] = colours.map((colour) => Number(colour.match(/\d+/)![0]));
      return text! - ground!;
    };
    expect(await brightness('light')).toBeLessThan(-130);
    expect(await brightness('dark')).toBeGreaterThan(130);
  });

  it('leads from a thread to its stretch of the timeline', async () => {
    await using watched = await openPage(browser);
    await watched.page.goto(viewer.url);
    await watched.page.getByRole('link', { name: 'Show worker 2' }).click();
    expect(new URL(watched.page.url()).search).toBe('?start=0.015&end=0.079');
  });
});
