/** Pages and files of profiles, as a browser without scripts sees them, over a real socket. */
import { gunzipSync } from 'node:zlib';
import { indexOf, PROFILES, profileOf } from '@ttrace/analysis';
import { encodePprof } from '@ttrace/pprof';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseProfileQuery, printProfileQuery } from './profile-query.ts';
import { profiledTrace } from './profile-test-kit.ts';
import { startViewer, type Viewer } from './start-viewer.ts';

let viewer: Viewer;
beforeAll(async () => {
  viewer = await startViewer({ trace: profiledTrace(), title: 'shop.json', fileName: 'shop.json' });
});
afterAll(() => viewer.close());

const get = (path: string) =>
  fetch(new URL(path, viewer.url), {
    headers: { cookie: `ttrace-${viewer.port}=${viewer.token}` },
    redirect: 'manual',
  });
const textOf = async (path: string) => (await get(path)).text();
/** Addresses of all links of a page that lead to profiles. */
const linksOf = (html: string) =>
  [...html.matchAll(/href="(\/profile[^"]*)"/g)].map(([, href]) => href!.replaceAll('&amp;', '&'));

it('lists the four profiles with their totals', async () => {
  const html = await textOf('/profiles');
  for (const total of ['40.0 ms, 1 block', '30.0 ms, 2 waits', '5.00 ms, 1 message', '30.0 ms, 3 stacks']) {
    expect.soft(html).toContain(total);
  }
});

it('draws each function below its caller, as wide as its time, with what a pointer on it says', async () => {
  const html = await textOf('/profile?type=block');
  expect(html).toContain('<title>login b.js:9: 40.0 ms, 100.0 %, 1 block</title>');
  expect(html).toMatch(/<svg x="0%" y="44" width="75%" height="21"><title>hash a\.js:3: 30\.0 ms, 75\.0 %/);
  expect(html).toMatch(/<svg x="75%" y="44" width="25%" height="21"><title>sort: 10\.0 ms, 25\.0 %/);
});

it('shows whose code a function is', async () => {
  const html = await textOf('/profile?type=cpu');
  expect(html).toMatch(/<title>main m\.js:1[^<]*<\/title><rect class="frame package /);
  expect(html).toMatch(/<title>emit node:events:507[^<]*<\/title><rect class="frame runtime /);
});

it('has a table of the functions, those with the most time of their own first', async () => {
  const html = await textOf('/profile?type=mutex');
  const names = [...html.matchAll(/<th scope="row"[^>]*>([^<]+)/g)].map((match) => match[1]);
  expect(names).toEqual(['lock a&amp;b wait', 'lock &lt;i&gt; wait', 'job']);
});

it('zooms by an address: the frame takes the whole width, below all that called it', async () => {
  const whole = await textOf('/profile?type=block');
  const link = /<a href="([^"]+)" aria-label="sort:/.exec(whole)![1]!.replaceAll('&amp;', '&');
  const html = await textOf(link);
  expect(html).toMatch(/<svg x="0%" y="44" width="100%" height="21"><title>sort: 10\.0 ms, 25\.0 %/);
  expect(html).toContain('of which 10.0 ms (25.0 %) shown');
  expect(html).not.toContain('<title>hash');
});

it.each([
  '?type=mutex&region=job',
  '?type=mutex&region=a%26b+%3Cc%3E&from=5ms&to=75ms&thread=main&name=lock+a%26b+wait&text=%C3%A9',
  '?type=block&min=1ms&max=2s&attribute=blocked%3Dtrue&complete=true',
  '?type=message&task=%2317',
])('every link keeps the filter %s, but for the one field that it takes away', async (query) => {
  const html = await textOf(`/profile${query}`);
  const own = new URLSearchParams(query);
  const links = linksOf(html).filter(
    (href) => href.startsWith('/profile?') || href.startsWith('/profile.pb.gz?'),
  );
  expect(links.length).toBeGreaterThanOrEqual(4);
  let kept = 0;
  for (const href of links) {
    const params = new URL(href, viewer.url).searchParams;
    const lost = [...own].filter(([name, value]) => params.get(name) !== value).map(([name]) => name);
    const isOther = params.get('type') !== own.get('type');
    const isAll = [...params.keys()].join() === 'type';
    expect
      .soft(lost.filter((name) => !(isOther && name === 'type')).length, href)
      .toBeLessThanOrEqual(isAll ? 9 : 1);
    if (lost.length === 0) kept++;
    const parsed = parseProfileQuery(params);
    expect
      .soft('complaints' in parsed ? parsed : printProfileQuery(parsed), href)
      .toBe(new URL(href, viewer.url).search);
  }
  expect(kept).toBeGreaterThan(0);
});

it('hands out exactly the profile of its page, as a download', async () => {
  for (const { type } of PROFILES) {
    const answer = await get(`/profile.pb.gz?type=${type}&region=job`);
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="${type}.pb.gz"`);
    const expected = encodePprof(profileOf(indexOf(profiledTrace()), type, { region: 'job' }));
    expect(gunzipSync(await answer.arrayBuffer())).toEqual(gunzipSync(expected));
  }
});

it('turns a submitted form into the address of what it asks for', async () => {
  const answer = await get('/profile?apply=1&type=mutex&region=job&from=0.01&to=&thread=');
  expect(answer.status).toBe(302);
  expect(answer.headers.get('location')).toBe('/profile?type=mutex&region=job&from=10ms');
});

it.each([
  ['/profile?type=heap', 'type is block, mutex, message, cpu, not &quot;heap&quot;.'],
  ['/profile?type=cpu&focus=999', 'There is no frame 999.'],
  ['/profile?type=cpu&focus=-1', 'focus is the number of a frame.'],
  ['/profile?type=cpu&sort=name', 'A profile has no sort.'],
  ['/profile?pc=0x4f', 'There is nothing called &quot;pc&quot;'],
  ['/profiles?from=x', 'from takes a time'],
])('answers %s with 400 and what is wrong', async (path, complaint) => {
  const answer = await get(path);
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain(complaint);
});

it('says so where nothing is left', async () => {
  const html = await textOf('/profile?type=cpu&thread=nobody');
  expect(html).toContain('Nothing in this trace, or in the part of it that was asked for.');
  expect(html).not.toContain('class="scroll flame"');
});

it('is reached from every page, and from the tables of the same things with their filter', async () => {
  expect(await textOf('/')).toMatch(/<a href="\/profiles" title="[^"]+"/);
  expect(linksOf(await textOf('/blockers?thread=main'))).toContain('/profile?type=block&thread=main');
  expect(linksOf(await textOf('/locks?from=5ms'))).toContain('/profile?type=mutex&from=5ms');
  expect(linksOf(await textOf('/messages'))).toContain('/profile?type=message');
});
