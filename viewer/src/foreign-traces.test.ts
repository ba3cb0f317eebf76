/** Every page of traces that other programs wrote: each answers, has a heading, and says what it cannot know. */
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { indexOf, markdownReport } from '@ttrace/analysis';
import { readTrace } from '@ttrace/format';
import { expect, test } from 'vitest';
import { htmlReport } from './report.tsx';
import { startViewer } from './start-viewer.ts';
import { TABLE_PAGES } from './table-pages.ts';

const TESTDATA = fileURLToPath(new URL('../../packages/format/testdata/', import.meta.url));
const captures = readdirSync(TESTDATA, { recursive: true, encoding: 'utf8' }).filter(
  (name) => /\.(json|json\.gz|pftrace|cpuprofile|log)$/.test(name) && statSync(join(TESTDATA, name)).isFile(),
);

test.each(captures)('every page of %s answers, and the reports hold', async (name) => {
  const trace = await readTrace(createReadStream(join(TESTDATA, name)));
  await using viewer = await startViewer({ trace, title: name, fileName: name });
  const paths = ['/', '/profiles', '/utilization', ...TABLE_PAGES.map(({ id }) => `/${id}`)];
  for (const path of paths) {
    const answer = await fetch(new URL(path, viewer.url), {
      headers: { cookie: `ttrace-${viewer.port}=${viewer.token}` },
    });
    const html = await answer.text();
    expect({ path, status: answer.status }).toEqual({ path, status: 200 });
    expect(html).toMatch(/<h1[ >]/);
    // Of none of them an event loop was recorded: nothing may look as if it had never been blocked.
    if (['/', '/lint', '/blockers', '/blockers/each', '/turns'].includes(path))
      expect(html).toContain('No event loop was recorded: ');
    if (path === '/gc')
      expect(html).toMatch(/GC minor|No garbage collection was recorded|Nothing in this trace/);
  }
  expect([...htmlReport({ trace, title: name, fileName: name })].join('')).toContain('</html>');
  expect(markdownReport(indexOf(trace), name, 1).length).toBeLessThanOrEqual(4000);
});

test('a trace whose producer marks nothing says so where it matters', async () => {
  const trace = await readTrace(createReadStream(join(TESTDATA, 'chromium/156/trace.json')));
  await using viewer = await startViewer({ trace, title: 'chromium', fileName: 'trace.json' });
  const get = async (path: string): Promise<string> => {
    const cookie = `ttrace-${viewer.port}=${viewer.token}`;
    return (await fetch(new URL(path, viewer.url), { headers: { cookie } })).text();
  };
  expect(await get('/regions')).toContain('The producer of this trace marks no regions');
  expect(await get('/threads')).toContain('between their slices nobody knows what they did');
  expect(await get('/blockers')).toContain('Nothing in this trace');
  expect(await get('/tasks')).toContain('The producer of this trace records no tasks');
  expect(await get('/locks')).toContain('The producer of this trace records no waits');
});
