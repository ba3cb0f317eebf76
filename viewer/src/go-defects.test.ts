/**
 * Known defects of `go tool trace` that must not come back in pages: D1, D2, D6, D9 and D11 of the eleven. Those of figures stand in
 * `packages/analysis/src/go-defects.test.ts`, errors in a browser's console (D7) in `timeline.browser.test.ts`, memory (D10) in
 * `viewer/bench/home.mjs`.
 */
import { Category, EventKind, readTextTrace, readTrace, TEXT_MAGIC, type Trace } from '@ttrace/format';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePageQuery, printPageQuery } from './filter-query.ts';
import { startViewer, type Viewer } from './start-viewer.ts';
import { TABLE_PAGES } from './table-pages.ts';
import { sampleTrace } from './viewer-test-kit.ts';

let viewer: Viewer;
beforeAll(async () => {
  viewer = await startViewer({
    trace: sampleTrace(),
    title: 'orders',
    fileName: 'orders.json',
    maxEvents: 30,
  });
});
afterAll(() => viewer.close());

const get = (path: string, of = viewer): Promise<Response> =>
  fetch(new URL(path, of.url), { headers: { cookie: `ttrace-${of.port}=${of.token}` } });
const unescaped = (text: string): string => text.replaceAll('&amp;', '&').replaceAll('&#39;', "'");
const pages = ['/', '/profiles', '/utilization', '/timeline', ...TABLE_PAGES.map(({ id }) => `/${id}`)];

async function linksOf(path: string): Promise<string[]> {
  const html = await (await get(path)).text();
  return [...html.matchAll(/ href="([^"]+)"/g)].map(([, href]) => unescaped(href!));
}

describe('D1: a bar of a histogram does not lead to rows that it does not count', () => {
  /** Orders of 1, 2, 4 … ms, each with a region half as long, in several buckets therefore. */
  const spread = readTextTrace(
    [
      `${TEXT_MAGIC}\nprocess 1 "shop"\ntrack 1/1 thread "main"`,
      ...Array.from({ length: 10 }, (_, at) => {
        const [start, length] = [at, 2 ** at / 1000];
        return [
          `track t${at} async 1 task "0x${at + 1}" "order"`,
          `slice t${at} +${start.toFixed(9)} ${length.toFixed(9)} task "order" {"task":${at + 1}}`,
          `slice 1/1 +${start.toFixed(9)} ${(length / 2).toFixed(9)} region "pay" {"task":${at + 1}}`,
        ].join('\n');
      }),
    ].join('\n'),
  );

  it('of no page', async () => {
    await using many = await startViewer({ trace: spread, title: 'spread', fileName: 'spread.json' });
    let bars = 0;
    for (const path of pages) {
      const html = await (await get(path, many)).text();
      for (const [, href, count] of html.matchAll(/<a href="([^"]+)" aria-label="(\S+) of [^"]+"><title>/g)) {
        bars++;
        const listed = await (await get(unescaped(href!), many)).text();
        expect.soft(/<span>([\d,]+) rows?/.exec(listed)?.[1], `${path} ${href}`).toBe(count);
      }
    }
    expect(bars).toBeGreaterThanOrEqual(20);
  });
});

describe('D2: a link’s filter is not dropped', () => {
  it('every link to a table is understood, and means what it says', async () => {
    const tables = new Set(TABLE_PAGES.map(({ id }) => `/${id}`));
    let filters = 0;
    for (const path of pages) {
      for (const href of await linksOf(path)) {
        const { pathname, search, searchParams } = new URL(href, viewer.url);
        if (!tables.has(pathname)) continue;
        const query = parsePageQuery(searchParams);
        expect('complaints' in query ? [href, query.complaints] : printPageQuery(query)).toBe(search);
        if (search !== '') filters++;
      }
    }
    expect(filters).toBeGreaterThan(20);
  });

  it('a filter that no page has is refused, not ignored', async () => {
    for (const path of ['/regions/each?pc=0x4f', '/profile?type=block&pc=0x4f', '/tasks/each?complete=1'])
      expect((await get(path)).status).toBe(400);
  });
});

describe('D6: no page needs a network', () => {
  it('nothing is loaded from another host, and headers forbid it', async () => {
    for (const path of pages) {
      const answer = await get(path);
      // What a link leads to is not loaded.
      const html = (await answer.text()).replaceAll(/<a [^>]*>/g, '');
      const loaded = [...html.matchAll(/ (?:src|href|data-[\w-]+)="([^"]+)"|url\(([^)]+)\)/g)].map(
        ([, attribute, url]) => attribute ?? url!,
      );
      expect(loaded.filter((url) => /^["']?(https?:)?\/\//.test(url))).toEqual([]);
      expect(answer.headers.get('content-security-policy')).toMatch(/default-src '(none|self)'/);
    }
  });
});

/** Names of slices, each with its thread, that a stream of the timeline holds. */
async function slicesIn(path: string): Promise<string[]> {
  const answer = await get(path);
  expect(answer.status).toBe(200);
  const { columns, strings, tracks, length }: Trace = await readTrace(answer.body!);
  return Array.from({ length }, (_, row) => row)
    .filter((row) => columns.kind[row] === EventKind.slice)
    .map((row) => {
      const { kind, name } = tracks[columns.track[row]!]!;
      return `${kind} ${name}: ${strings.text(columns.category[row]!)} ${strings.text(columns.name[row]!)}`;
    });
}

describe('D9: a part of a large trace that does not begin with it is not empty', () => {
  it('each stretch that is offered holds slices, and together they hold all', async () => {
    const stretches = (await linksOf('/timeline')).filter((href) => href.startsWith('/timeline?from='));
    expect(stretches.length).toBeGreaterThan(2);
    const held = new Set<string>();
    for (const href of stretches) {
      const slices = await slicesIn(href.replace('/timeline', '/trace.pftrace'));
      expect(slices).not.toEqual([]);
      for (const slice of slices) held.add(slice);
    }
    expect([...held].sort()).toEqual([...new Set(await slicesIn('/trace.pftrace'))].sort());
  });
});

describe('D11: regions are not missing from the timeline', () => {
  it('they are slices on the rows of their threads, without a choice to be made', async () => {
    const slices = await slicesIn('/trace.pftrace');
    const regions = slices.filter((slice) => slice.includes(`: ${Category.region} `));
    expect(regions).toHaveLength(30);
    expect(new Set(regions.map((slice) => slice.split(':')[0]))).toEqual(
      new Set(['thread main', 'thread worker 1', 'thread worker 2', 'thread worker 3']),
    );
  });
});
