/**
 * What the browser tests share: a real Chromium, a page that keeps account of what it asked for and complained about, and
 * the view into the bundled Perfetto. Not part of the package.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type Frame,
  type Page,
  type Request,
} from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Why there is no browser to test with, or '' when there is one. Set CHROMIUM to use another one. */
export const noBrowser: string = existsSync(executablePath)
  ? ''
  : `browser tests skipped: no browser at ${executablePath} (install chromium or set CHROMIUM)`;

/** Starts the browser, without any of the traffic that it makes on its own account. */
export function launch(more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...more,
    ],
  });
}

/** A page and what happened on it. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** Addresses of all requests, those of frames and workers included. */
  readonly requests: string[];
  /** Console errors, uncaught exceptions, failed requests. */
  readonly complaints: string[];
  /** How many requests have no answer yet: a page that is left before is one whose requests fail. */
  readonly underWay: () => number;
}

/** Opens a page in a context of its own. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  const asked = new Set<Request>();
  context.on('request', (request) => {
    requests.push(request.url());
    asked.add(request);
  });
  context.on('requestfinished', (request) => asked.delete(request));
  context.on('requestfailed', (request) => {
    asked.delete(request);
    // Who follows a link while the page's icon is on its way takes that back.
    const isLeft = request.failure()?.errorText === 'net::ERR_ABORTED' && request.resourceType() === 'image';
    if (!isLeft) complaints.push(`${request.failure()?.errorText} ${request.url()}`);
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  const underWay = (): number => asked.size;
  return { page, requests, complaints, underWay, [Symbol.asyncDispose]: () => context.close() };
}

/** Waits until the host page has shown the trace, and returns the frame with the Perfetto UI. */
export async function timelineFrame(page: Page): Promise<Frame> {
  await page.waitForSelector('#status[hidden], #status.failed', { state: 'attached', timeout: 40_000 });
  const failure = await page.locator('#status.failed').allTextContents();
  if (failure.length > 0) throw new Error(`the timeline failed: ${failure[0]?.trim()}`);
  const handle = await page.waitForSelector('#ui');
  const frame = await handle.contentFrame();
  if (frame === null) throw new Error('the timeline page has no frame');
  return frame;
}

/** The stretch in the window, in milliseconds since the trace's first event, which stands at 1 ms of Perfetto's time. */
export async function visibleMillis(frame: Frame): Promise<{ start: number; end: number }> {
  const visible = 'globals.frontendLocalState.visibleWindowTime';
  const [start, end] = await frame.evaluate<[number, number]>(`[${visible}.start, ${visible}.end]`);
  return { start: start * 1e3 - 1, end: end * 1e3 - 1 };
}

/** Where a moment lies on a named row: on its first line of slices, in pixels of the page. */
export async function pointOn(frame: Frame, row: string, millis: number): Promise<{ x: number; y: number }> {
  const seconds = (millis + 1) / 1e3;
  const offset = await frame.evaluate<number>(`globals.frontendLocalState.timeScale.timeToPx(${seconds})`);
  // Playwright counts from the top left of the outermost page.
  const track = frame.locator('.track', { has: frame.locator('h1', { hasText: row }) });
  const box = await track.locator('.track-content').boundingBox();
  return { x: box!.x + offset, y: box!.y + 14 };
}

/** Asks the engine behind the timeline; its rows, a value a column. Rejects with the engine's words. */
export async function ask(
  frame: Frame,
  sql: string,
): Promise<readonly Readonly<Record<string, string | number>>[]> {
  const answer = await frame.evaluate<{ error?: string; rows: Record<string, string | number>[] }>(
    `new Promise((resolve) => {
      const query = { engineId: Object.keys(globals.state.engines)[0], queryId: 'test', query: ${JSON.stringify(sql)} };
      globals.dispatch(Actions.executeQuery(query));
      const look = () => {
        const found = globals.queryResults.get('test');
        if (found === undefined) return setTimeout(look, 20);
        globals.queryResults.delete('test');
        globals.dispatch(Actions.deleteQuery({ queryId: 'test' }));
        resolve({ error: found.error, rows: found.rows });
      };
      look();
    })`,
  );
  if (answer.error !== undefined && answer.error !== '') throw new Error(answer.error);
  return answer.rows;
}

/** Saves what the page looks like, for people to look at. The docs' pictures come from here: TTRACE_SCREENSHOTS says where to. */
export async function screenshot(page: Page, name: string, fullPage = false): Promise<void> {
  const directory = process.env.TTRACE_SCREENSHOTS ?? join(tmpdir(), 'ttrace-screens');
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${name}.png`);
  const window = page.viewportSize();
  if (!fullPage || window === null) return take(page, path);
  // A window as tall as the page: else Chromium makes it one while it takes the picture, and may have no frame of it yet.
  const height = await page.evaluate<number>('document.documentElement.scrollHeight');
  await page.setViewportSize({ ...window, height: Math.max(height, window.height) });
  await take(page, path);
  await page.setViewportSize(window);
}

/** Takes a picture, again where Chromium has no frame to take it of: seen once in some thousand on a busy machine. */
async function take(page: Page, path: string): Promise<void> {
  for (let triesLeft = 2; ; triesLeft--) {
    try {
      await page.screenshot({ path });
      return;
    } catch (error) {
      if (triesLeft === 0 || !String(error).includes('Unable to capture screenshot')) throw error;
    }
  }
}
