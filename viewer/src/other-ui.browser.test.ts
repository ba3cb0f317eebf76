/**
 * The host page before Perfetto UIs that are not ours. There is none of the official builds here, so a page stands in for
 * one: a test double of the *external* program, which answers the embedding protocol and records what it gets.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, noBrowser, openPage, screenshot } from './browser-test-kit.ts';
import { startViewer } from './start-viewer.ts';
import { sampleTrace } from './viewer-test-kit.ts';

if (noBrowser !== '') console.warn(noBrowser);

/** Answers pings and writes what it is posted into its own text. */
const STAND_IN = `<!doctype html><title>stand-in for a Perfetto UI</title><pre id="got"></pre><script>
addEventListener('message', (event) => {
  if (event.data === 'PING') return event.source.postMessage('PONG', event.origin);
  const { buffer, ...rest } = event.data.perfetto ?? {};
  got.textContent += JSON.stringify({ ...rest, bytes: buffer?.byteLength, from: event.origin }) + '\\n';
});
</script>`;
const SILENT = '<!doctype html><title>not a Perfetto UI</title>';

const options = { trace: sampleTrace(), title: 'orders.json', fileName: 'orders.pftrace' };

describe.skipIf(noBrowser !== '')('a Perfetto UI of the user', () => {
  let browser: Browser;
  let directory: string;
  beforeAll(async () => {
    browser = await launch();
    directory = mkdtempSync(join(tmpdir(), 'ttrace-perfetto-ui-'));
  });
  afterAll(async () => {
    await browser?.close();
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });

  it('gets trace and zoom through the embedding protocol, on a port of its own', async () => {
    writeFileSync(join(directory, 'index.html'), STAND_IN);
    await using viewer = await startViewer({ ...options, perfettoUi: directory });
    await using watched = await openPage(browser);
    await watched.page.goto(viewer.urlOf('/timeline?start=10ms&end=20ms'));
    const got = watched.page.frameLocator('#ui').locator('#got');
    await expect.poll(async () => (await got.textContent())?.split('\n').length).toBe(3);
    const [trace, zoom] = (await got.textContent())!
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(trace).toMatchObject({
      title: 'orders.json',
      fileName: 'orders.pftrace',
      keepApiOpen: true,
      from: `http://127.0.0.1:${viewer.port}`,
    });
    expect(trace.bytes).toBeGreaterThan(1000);
    expect(zoom).toMatchObject({ timeStart: 0.011, timeEnd: 0.021, viewPercentage: 1 });
    await watched.page.waitForSelector('#status[hidden]', { state: 'attached' });
    const address = await watched.page.locator('#ui').getAttribute('src');
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#!\/\?mode=embedded$/);
    expect(new URL(address!).port).not.toBe(String(viewer.port));
    expect(watched.requests.every((url) => new URL(url).hostname === '127.0.0.1')).toBe(true);
  });

  it('is given up after 15 s without an answer, with a word on what to do', async () => {
    writeFileSync(join(directory, 'index.html'), SILENT);
    await using viewer = await startViewer({ ...options, perfettoUi: directory });
    await using watched = await openPage(browser);
    await watched.page.clock.install();
    await watched.page.goto(viewer.urlOf('/timeline'));
    await watched.page.locator('#status-text', { hasText: 'MB' }).waitFor();
    expect(await watched.page.locator('#status.failed').count()).toBe(0);
    await watched.page.clock.runFor(15_000);
    const failure = watched.page.locator('#status.failed');
    await failure.waitFor();
    expect(await failure.textContent()).toContain('does not answer');
  });
});

describe.skipIf(noBrowser !== '')('the button for ui.perfetto.dev', () => {
  it('hands the trace to a new tab there and sends nothing over the network', async () => {
    await using viewer = await startViewer(options);
    const browser = await launch();
    try {
      await using watched = await openPage(browser);
      const { page, requests } = watched;
      await page
        .context()
        .route('https://ui.perfetto.dev/**', (route) =>
          route.fulfill({ contentType: 'text/html', body: STAND_IN }),
        );
      await page.goto(viewer.urlOf('/timeline'));
      const button = page.getByRole('button', { name: 'Open in ui.perfetto.dev' });
      expect(await button.getAttribute('title')).toContain('Nothing is uploaded');
      const [tab] = await Promise.all([page.waitForEvent('popup'), button.click()]);
      await expect.poll(() => tab.locator('#got').textContent()).toContain('"bytes"');
      const foreign = requests.filter((url) => !url.startsWith(`http://127.0.0.1:${viewer.port}/`));
      expect(foreign.filter((url) => !url.startsWith('https://ui.perfetto.dev/'))).toEqual([]);
      expect(await page.locator('#elsewhere-status').textContent()).toBe('');
      await screenshot(tab, 'stand-in');
    } finally {
      await browser.close();
    }
  });
});
