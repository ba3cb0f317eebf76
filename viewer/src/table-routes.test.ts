/** Pages and files of tables, as a browser without scripts sees them: over a real socket, of a trace with four threads. */
import { csvLines, indexOf, sortedBy, tableObjects, threadsTable } from '@ttrace/analysis';
import { Category, TraceBuilder } from '@ttrace/format';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startViewer, type Viewer } from './start-viewer.ts';
import { sampleTrace, stoppedTrace } from './viewer-test-kit.ts';

let viewer: Viewer;
beforeAll(async () => {
  viewer = await startViewer({ trace: sampleTrace(), title: 'orders.json', fileName: 'orders.json' });
});
afterAll(() => viewer.close());

const get = (path: string) =>
  fetch(new URL(path, viewer.url), {
    headers: { cookie: `ttrace-${viewer.port}=${viewer.token}` },
    redirect: 'manual',
  });
const textOf = async (path: string) => (await get(path)).text();
const namesOf = (html: string) =>
  [...html.matchAll(/<th scope="row"[^>]*>(?:<a[^>]*>)?([^<]+)/g)].map((match) => match[1]);
const table = () => threadsTable(indexOf(sampleTrace()), {});

describe('the page of a table', () => {
  it('has its rows, what they mean, and links to their stretches of the timeline', async () => {
    const html = await textOf('/threads');
    expect(namesOf(html)).toEqual(table().rows.map(({ thread }) => thread.name));
    expect(html).toContain('<h1>Threads</h1>');
    expect(html).toContain('title="From its start to its end,');
    expect(html).toContain('href="/timeline?start=0.005&amp;end=0.099"');
  });

  it('leaves out columns that are zero in every row', async () => {
    const html = await textOf('/threads');
    expect(html).toContain('sort=runningNanos');
    expect(html).not.toContain('sort=dropped');
    expect(html).not.toContain('sort=gcNanos');
  });

  it('draws how each row’s time was spent, the longest as wide as the bar, and says it in words', async () => {
    const html = await textOf('/threads');
    expect(html.match(/<svg class="states"/g)).toHaveLength(table().rows.length);
    const widths = [...html.matchAll(/<svg class="states".*?<\/svg>/gs)].map(([svg]) =>
      [...svg.matchAll(/ width="([\d.]+)"/g)].reduce((sum, [, width]) => sum + Number(width), 0),
    );
    expect(Math.max(...widths)).toBeCloseTo(300, 0);
    expect(html).toMatch(/aria-label="Running [\d.]+ ms \([\d.]+ %\), Unknown/);
  });

  it('shows what is said of a task: all on its page, the telling in the list, where the text filter finds it', async () => {
    const page = await textOf('/task?task=%234');
    expect(page).toMatch(/<dt>url<\/dt><dd>\/orders\/3<\/dd>/);
    const list = await textOf('/tasks/each?text=url%3D%2Forders%2F3');
    expect(list).toContain('url=/orders/3');
    expect(namesOf(list)).toEqual(['order']);
  });

  it('sorts by a column, says so, and turns the order around with the next click', async () => {
    const html = await textOf('/threads?sort=tid');
    expect(namesOf(html)).toEqual(sortedBy(table(), 'tid')?.map(({ thread }) => thread.name));
    expect(html).toContain('aria-sort="descending"');
    expect(html).toContain('href="/threads?sort=tid&amp;order=up"');
    const turned = await textOf('/threads?sort=tid&order=up');
    expect(namesOf(turned)).toEqual(namesOf(html).reverse());
    expect(turned).toContain('aria-sort="ascending"');
    expect(turned).toContain('href="/threads?sort=tid"');
  });

  it('shows the rows that meet conditions on its columns, in every form, and keeps them in its links', async () => {
    const where = 'where=thread~MAIN&where=total%3E1ms';
    const html = await textOf(`/threads?${where}&sort=tid`);
    expect(namesOf(html)).toEqual(['main']);
    expect(html).toContain(
      'href="/threads?where=total%3E1ms&amp;sort=tid" aria-label="Take away thread~MAIN"',
    );
    expect(html).toContain('href="/threads.csv?where=thread%7EMAIN&amp;where=total%3E1ms&amp;sort=tid"');
    expect(html).toContain('name="where" value="thread~MAIN"');
    expect(html).toContain('--where &#39;thread~MAIN&#39; --where &#39;total&gt;1ms&#39;');
    expect(await textOf(`/threads.csv?${where}`)).toMatch(/^thread,.*\nmain,.*\n$/);
    expect(await textOf(`/threads.md?${where}`)).toContain('Only `thread~MAIN total>1ms`.');
    expect(namesOf(await textOf('/threads?where=total%3C1ns'))).toEqual([]);
  });

  it('complains about a condition that means nothing', async () => {
    for (const path of ['/threads', '/threads.json']) {
      const answer = await get(`${path}?where=speed%3E1`);
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain('There is no column speed');
    }
    expect((await get('/profile?type=cpu&where=a%3E1')).status).toBe(400);
  });

  it('shows what narrows it, each to be taken away, and keeps it in every link of its own', async () => {
    const html = await textOf('/threads?from=10ms&thread=main&sort=tid');
    expect(namesOf(html)).toEqual(['main']);
    expect(html).toContain('href="/threads?thread=main&amp;sort=tid" aria-label="Take away From 10ms"');
    expect(html).toContain('href="/threads?from=10ms&amp;sort=tid" aria-label="Take away Thread main"');
    expect(html).toContain('href="/threads.csv?from=10ms&amp;thread=main&amp;sort=tid"');
    expect(html).toContain('name="thread" value="main"');
    expect(html).toContain('ttrace threads FILE --from 10ms --thread main');
  });

  it('says which field does not narrow it', async () => {
    expect(await textOf('/threads?task=order')).toContain('(does not narrow this table)');
    expect(await textOf('/threads?thread=main')).not.toContain('does not narrow');
  });

  it('says so where nothing is left', async () => {
    const html = await textOf('/threads?thread=nobody');
    expect(html).toContain('Nothing in this trace, or in the part of it that was asked for.');
    expect(html).not.toContain('<table');
  });

  it('turns a submitted form into the address of what it asks for', async () => {
    const answer = await get('/threads?apply=1&from=0.01&to=&thread=main&sort=tid');
    expect(answer.status).toBe(302);
    expect(answer.headers.get('location')).toBe('/threads?from=10ms&thread=main&sort=tid');
  });

  it.each([
    ['/threads?from=yesterday', 'from takes a time such as 1.5s, 300ms or 20us, not &quot;yesterday&quot;.'],
    ['/threads?sort=beauty', 'There is no column beauty to sort by, only thread, totalNanos'],
    ['/threads?pc=0x4f', 'There is nothing called &quot;pc&quot;'],
    ['/threads?apply=1&from=x', 'from takes a time'],
  ])('answers %s with 400 and what is wrong', async (path, complaint) => {
    const first = await get(path);
    const answer = first.status === 302 ? await get(first.headers.get('location')!) : first;
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(complaint);
  });

  it('is linked from the home page and from every other page', async () => {
    for (const path of ['/', '/threads']) {
      const html = await textOf(path);
      expect.soft(html, path).toMatch(/<a href="\/threads" title="[^"]+"/);
      expect.soft(html, path).toMatch(/<a href="\/timeline" title="[^"]+"/);
    }
    expect(await textOf('/threads')).toMatch(/href="\/threads"[^>]* aria-current="page"/);
  });
});

describe('the files of a table', () => {
  it('are the filtered rows in the page’s order, as commands print them', async () => {
    const query = '?to=50ms&sort=tid';
    const half = threadsTable(indexOf(sampleTrace()), { to: 50_000_000 });
    const expected = { ...half, rows: sortedBy(half, 'tid')! };
    const csv = await get(`/threads.csv${query}`);
    expect(csv.headers.get('content-type')).toContain('text/csv');
    expect((await csv.text()).trimEnd().split('\n')).toEqual([...csvLines(expected)]);
    expect(JSON.parse(await textOf(`/threads.json${query}`))).toEqual(tableObjects(expected));
    expect(JSON.parse(await textOf('/threads.json?thread=nobody'))).toEqual([]);
    const markdown = await textOf(`/threads.md${query}`);
    expect(markdown).toContain('## Threads\n\nOnly `to=50ms`.\n\n| Thread |');
  });

  it('answer a query that means nothing with 400 and what is wrong', async () => {
    for (const form of ['csv', 'json', 'md']) {
      const answer = await get(`/threads.${form}?min=x`);
      expect.soft(answer.status).toBe(400);
      expect.soft(await answer.text()).toContain('min takes a time');
      expect.soft((await get(`/threads.${form}?sort=x`)).status).toBe(400);
    }
  });
});

describe('a large trace', () => {
  it('has its home page at once, and on it what to look at first as soon as that is found', async () => {
    const builder = new TraceBuilder();
    const names = ['work', Category.region].map((text) => builder.strings.intern(text));
    const track = builder.threadTrack(1, 1);
    for (let at = 0; at < 210_000; at++) builder.slice(track, names[0]!, names[1]!, at * 100, 50, 0);
    const trace = builder.finish('json', 1);
    await using large = await startViewer({ trace, title: 'large.json', fileName: 'large.json' });
    const headers = { cookie: `ttrace-${large.port}=${large.token}` };
    const home = async () => (await fetch(large.url.split('?')[0]!, { headers })).text();
    const first = await home();
    expect(first).toContain('Looking for it.');
    expect(first).toContain('http-equiv="refresh"');
    expect(first).toContain('href="/blockers"');
    await expect.poll(home, { timeout: 20_000 }).not.toContain('Looking for it.');
    await expect.poll(home, { timeout: 20_000 }).not.toContain('href="/blockers"');
    expect(await home()).not.toContain('http-equiv="refresh"');
  });
});

it('a finding’s page, as its JSON has it, is a page of as many rows as it has cases', async () => {
  const options = { trace: stoppedTrace(), title: 'stops.json', fileName: 'stops.json' };
  await using stopped = await startViewer(options);
  const json = async (path: string) => {
    const headers = { cookie: `ttrace-${stopped.port}=${stopped.token}` };
    return (await fetch(new URL(path, stopped.url), { headers })).json();
  };
  const findings = (await json('/lint.json')) as { page: string; count: number; rule: string }[];
  const blocked = findings.find(({ rule }) => rule === 'blocked-loop')!;
  expect(await json(blocked.page.replace('?', '.json?'))).toHaveLength(blocked.count);
});
