/**
 * Our JSON recordings in Chrome DevTools: the Performance panel that the browser brings with it loads one, and its model
 * knows our threads and regions. DevTools draws on a canvas, so what it understood is asked of its own trace model.
 *
 * What `ttrace convert` writes is loaded: in a recording the begin and the end of a longer region are two events, and DevTools
 * (Chromium 156) keeps one stack of open ones for all threads: some durations would be another thread's, or negative.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launch, noBrowser, openPage, screenshot } from './browser-test-kit.ts';

const CLI = fileURLToPath(new URL('../../packages/cli/bin/ttrace.js', import.meta.url));

/** A thread as DevTools has it. */
interface DevToolsThread {
  readonly name: string;
  readonly entries: readonly { readonly name: string; readonly dur: number; readonly args: unknown }[];
}

describe.skipIf(noBrowser !== '')('the Performance panel of Chrome DevTools', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-devtools-'));
  const file = join(directory, 'first.json');
  const converted = join(directory, 'converted.json');
  let browser: Browser;
  let devTools: string;
  beforeAll(async () => {
    const program = fileURLToPath(new URL('../../samples/dist/first-trace/main.js', import.meta.url));
    expect(spawnSync(process.execPath, [program, file]).status).toBe(0);
    expect(spawnSync(process.execPath, [CLI, 'convert', file, converted]).status).toBe(0);
    const port = await freePort();
    browser = await launch([`--remote-debugging-port=${port}`]);
    devTools = `http://127.0.0.1:${port}/devtools/devtools_app.html`;
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true });
  });

  beforeEach(async ({ skip }) => {
    if ((await fetch(devTools)).status !== 200) skip('this browser brings no DevTools with it');
  });

  it('takes a recording for what it is, with every thread by its name and every region on it', async () => {
    await using watched = await openPage(browser);
    await watched.page.goto(devTools);
    const { isGeneric, threads } = await watched.page.evaluate<{
      isGeneric: boolean;
      threads: DevToolsThread[];
    }>(`(async () => {
      const { TraceModel, Handlers } = await import('/devtools/models/trace/trace.js');
      const model = TraceModel.Model.createWithAllHandlers();
      await model.parse(${readFileSync(converted, 'utf8')});
      const { data } = model.parsedTrace(0);
      const threads = Handlers.Threads.threadsInTrace(data).map(({ name, entries }) => ({
        name,
        entries: entries.map(({ name, dur, args }) => ({ name, dur, args })),
      }));
      return { isGeneric: data.Meta.traceIsGeneric, threads };
    })()`);
    expect(isGeneric).toBe(true);
    const durations = JSON.parse(readFileSync(converted, 'utf8'))
      .filter((event: { ph: string; name: string }) => event.ph === 'X' && event.name === 'work')
      .map((event: { dur: number; args: { worker: number } }) => [event.args.worker, event.dur]);
    const durationOf = new Map<number, number>(durations);
    const names = threads.map(({ name }) => name);
    expect(names).toContain('main');
    for (let worker = 0; worker < 10; worker++) {
      const thread = threads.find(({ name }) => name.endsWith(` worker-${worker}`));
      const regions = thread?.entries.filter(({ name }) => name === 'work') ?? [];
      expect(regions).toHaveLength(1);
      expect(regions[0]!.dur).toBe(durationOf.get(worker));
      expect(regions[0]!.args).toMatchObject({ task: 1, worker });
    }
    expect(threads).toHaveLength(11);
  });

  it.each(['json', 'json.gz'])('loads a .%s file without a complaint', async (extension) => {
    const path = join(directory, `load.${extension}`);
    const bytes = readFileSync(converted);
    writeFileSync(path, extension === 'json' ? bytes : gzipSync(bytes));
    await using watched = await openPage(browser);
    const { page } = watched;
    await page.goto(devTools);
    await page.getByRole('tab', { name: 'Performance' }).click();
    const input = page.locator('input[type=file]').first();
    await input.waitFor({ state: 'attached' });
    // What DevTools misses of a page to inspect is not of our making.
    watched.complaints.length = 0;
    await input.setInputFiles(path);
    // Stands below a trace that is shown, and nowhere else.
    await page.getByRole('tab', { name: 'Bottom-up' }).waitFor();
    expect(watched.complaints).toEqual([]);
    await screenshot(page, `devtools-${extension}`);
  });
});

/** A port that nobody listens on at this moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
