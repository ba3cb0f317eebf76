/** A viewer as its caller and a browser without scripts see it. */
import { TraceBuilder, TraceFormatError } from '@ttrace/format';
import { afterEach, describe, expect, it } from 'vitest';
import { startViewer, type Viewer, type ViewerOptions } from './start-viewer.ts';
import { sampleTrace } from './viewer-test-kit.ts';

const open: Viewer[] = [];
afterEach(async () => {
  for (const viewer of open.splice(0)) await viewer.close();
});

async function start(options: Partial<ViewerOptions> = {}): Promise<(path: string) => Promise<Response>> {
  const viewer = await startViewer({
    trace: sampleTrace(),
    title: 'orders.json',
    fileName: 'orders.json',
    ...options,
  });
  open.push(viewer);
  const cookie = `ttrace-${viewer.port}=${viewer.token}`;
  return (path) => fetch(new URL(path, viewer.url), { headers: { cookie } });
}

describe('the home page', () => {
  it('says what the trace is: file, process, threads with their events, duration, tasks', async () => {
    const get = await start();
    const html = await (await get('/')).text();
    for (const text of [
      'orders.json',
      'node orders.js',
      'main',
      'worker 3',
      'order',
      'queue',
      '100.0 ms',
      '80',
    ]) {
      expect.soft(html).toContain(text);
    }
    expect(html).toContain('What to look for');
    expect(html).not.toContain('role="alert"');
  });

  it('links each thread to its stretch of the timeline', async () => {
    const html = await (await (await start())('/')).text();
    expect(html).toContain('href="/timeline?start=0.005&amp;end=0.099"');
  });

  it('says what share is lost to drops and to damage, and what was not understood', async () => {
    const trace = sampleTrace();
    trace.tracks[1]!.dropped = 20;
    const error = new TraceFormatError('malformed', 'expected a comma', 9_000);
    const get = await start({
      trace: { ...trace, error, skipped: new Map([['phase "Z"', 3]]), bytesRead: 10_000 },
    });
    const html = await (await get('/')).text();
    expect(html).toContain('Lost 20.0 %: the recorder dropped 20 events');
    expect(html).toContain('Lost 10.0 % of the file: expected a comma (at byte 9000)');
    expect(html).toContain('phase &quot;Z&quot; (3)');
  });

  it('shows names from the trace as text, never as markup', async () => {
    const trace = sampleTrace();
    trace.tracks[1]!.name = '<img src=x onerror=alert(1)>';
    const html = await (await (await start({ trace, title: '"><script>alert(2)</script>' }))('/')).text();
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(html).not.toMatch(/<img|<script/);
  });
});

describe('the timeline page', () => {
  it('tells its script where trace and UI are, and the zoom in the time of the rebased trace', async () => {
    const html = await (await (await start())('/timeline?start=10ms&end=0.02')).text();
    expect(html).toContain('data-trace-url="/trace.pftrace"');
    expect(html).toContain('data-zoom="0.011 0.021"');
    expect(html).toContain('src="/ui/boot"');
  });

  it('refuses a stretch that is none, and says what one looks like', async () => {
    const get = await start();
    for (const query of ['start=x', 'start=2&end=1', 'from=-1', 'start=1ms&end=1ms']) {
      const answer = await get(`/timeline?${query}`);
      expect.soft(answer.status, query).toBe(400);
      expect.soft(await answer.text(), query).toContain('A stretch is two times such as');
    }
    expect((await get('/trace.pftrace?from=5&to=4')).status).toBe(400);
  });

  it('offers stretches where the trace is larger than one view', async () => {
    const get = await start({ maxEvents: 30 });
    const home = await (await get('/')).text();
    expect(home).toContain('80 events are more than one timeline holds (30)');
    const choice = await (await get('/timeline')).text();
    const links = [...choice.matchAll(/href="(\/timeline\?from=[^"]+)"/g)].map((match) => match[1]!);
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) {
      const page = await (await get(link.replaceAll('&amp;', '&'))).text();
      expect.soft(page, link).toMatch(/data-trace-url="\/trace.pftrace\?from=/);
    }
    const tooLong = await (await get('/timeline?from=0&to=90ms')).text();
    expect(tooLong).toMatch(/That stretch holds \d+ events; one timeline takes 30/);
  });

  it('says so where there is nothing to draw: no event, or events of one moment', async () => {
    const empty = await start({ trace: new TraceBuilder().finish('json', 2) });
    expect(await (await empty('/')).text()).toContain('orders.json');
    expect(await (await empty('/timeline')).text()).toContain('This trace holds no events.');
    const builder = new TraceBuilder();
    builder.instant(builder.threadTrack(1, 1), 0, 0, 5, 0);
    const moment = await start({ trace: builder.finish('json', 2) });
    expect(await (await moment('/timeline')).text()).toContain('1 event of one moment: too little to draw');
    const stretch = await (await start())('/timeline?from=1s&to=2s');
    expect(await stretch.text()).toContain('This stretch holds no events.');
  });

  it('loads the stretch that a zoom asks for where the whole is too large', async () => {
    const get = await start({ maxEvents: 30 });
    const html = await (await get('/timeline?start=20ms&end=40ms')).text();
    expect(html).toContain('data-trace-url="/trace.pftrace?from=0.02&amp;to=0.04"');
    expect(html).toContain('data-zoom="0.021 0.041"');
  });
});

describe('starting and stopping', () => {
  it('frees its port, cuts open connections, and closes twice without harm', async () => {
    const viewer = await startViewer({ trace: sampleTrace(), title: 'a', fileName: 'a' });
    await viewer.close();
    await viewer.close();
    await expect(fetch(viewer.url)).rejects.toThrow();
    const again = await startViewer({ trace: sampleTrace(), title: 'a', fileName: 'a', port: viewer.port });
    expect(again.port).toBe(viewer.port);
    await again.close();
  });

  it('says what to do when the port is taken or the address is not this machine’s', async () => {
    const viewer = await startViewer({ trace: sampleTrace(), title: 'a', fileName: 'a' });
    open.push(viewer);
    const options = { trace: sampleTrace(), title: 'b', fileName: 'b' };
    await expect(startViewer({ ...options, port: viewer.port })).rejects.toThrow('is in use: choose another');
    await expect(startViewer({ ...options, host: '203.0.113.7' })).rejects.toThrow(
      'not an address of this machine',
    );
  });

  it('listens on loopback unless told otherwise', async () => {
    const viewer = await startViewer({ trace: sampleTrace(), title: 'a', fileName: 'a', host: '0.0.0.0' });
    open.push(viewer);
    expect(viewer.url).toContain('http://127.0.0.1:');
    const headers = { cookie: `ttrace-${viewer.port}=${viewer.token}` };
    expect((await fetch(`http://127.0.0.2:${viewer.port}/`, { headers })).status).toBe(200);
    const own = await startViewer({ trace: sampleTrace(), title: 'a', fileName: 'a' });
    open.push(own);
    await expect(fetch(`http://127.0.0.2:${own.port}/`)).rejects.toThrow();
  });

  it('knows for how long no page has asked for anything; refused requests do not count', async () => {
    const viewer = await startViewer({ trace: sampleTrace(), title: 'a', fileName: 'a' });
    open.push(viewer);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const idleBefore = viewer.idleMs();
    await fetch(`http://127.0.0.1:${viewer.port}/alive`);
    expect(viewer.idleMs()).toBeGreaterThanOrEqual(idleBefore);
    const headers = { cookie: `ttrace-${viewer.port}=${viewer.token}` };
    const asked = performance.now();
    expect((await fetch(`http://127.0.0.1:${viewer.port}/alive`, { headers })).status).toBe(204);
    expect(viewer.idleMs()).toBeLessThanOrEqual(performance.now() - asked);
  });

  it('makes addresses of its pages that carry the token', async () => {
    const viewer = await startViewer({ trace: sampleTrace(), title: 'a', fileName: 'a' });
    open.push(viewer);
    const url = new URL(viewer.urlOf('/timeline?start=1ms'));
    expect(url.searchParams.get('token')).toBe(viewer.token);
    expect(url.searchParams.get('start')).toBe('1ms');
  });
});
