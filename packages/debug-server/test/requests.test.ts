/** What requests a debug server answers, how, and that nothing that it is sent disturbs it. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { readTrace } from '@ttrace/format';
import { Profile } from 'pprof-format';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asked, type AskOptions, ask, type ServedProgram, serveProgram } from './served-program.ts';

const TOKEN = 'open-sesame';
/** Where the program has its temporary files. */
const temporary = mkdtempSync(join(tmpdir(), 'ttrace-requests-'));
let served: ServedProgram<{ url: string }>;
const get = (path: string, { headers = {}, ...options }: AskOptions = {}): Promise<Asked> =>
  ask(`${served.facts.url}${path}`, {
    ...options,
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
  });
const status = async (path: string, options?: AskOptions): Promise<number> =>
  (await get(path, options)).status;
const namesIn = (body: Buffer): string[] => Profile.decode(gunzipSync(body)).stringTable.strings;

beforeAll(async () => {
  served = await serveProgram('service.mjs', { TMPDIR: temporary, TEMP: temporary });
});
afterAll(async () => {
  await served.end();
  rmSync(temporary, { recursive: true });
});

describe('who is answered', () => {
  test('only who has the token', async () => {
    const bare = await ask(served.facts.url);
    expect([bare.status, bare.headers['www-authenticate'], bare.headers['x-go-pprof']]).toEqual([
      401,
      'Bearer',
      '1',
    ]);
    expect(await status('', { headers: { authorization: `Bearer ${TOKEN}x` } })).toBe(401);
    expect((await ask(`${served.facts.url}?token=${TOKEN}`)).status).toBe(200);
    expect((await ask(`${served.facts.url}?token=${TOKEN}&token=x`)).status).toBe(401);
    expect(await status('')).toBe(200);
  });

  test('no name that is not ours, whatever it resolves to', async () => {
    for (const host of ['evil.example', 'evil.example:6060', 'localhost.evil.example', '127.0.0.1@evil'])
      expect(await status('', { headers: { host } })).toBe(403);
    for (const host of ['localhost:1234', '127.0.0.1', '[::1]:6060'])
      expect(await status('', { headers: { host } })).toBe(200);
  });

  test('no page of another origin', async () => {
    expect(await status('', { headers: { origin: 'https://evil.example' } })).toBe(403);
    expect(await status('', { headers: { origin: 'null' } })).toBe(403);
    for (const site of ['cross-site', 'same-site']) {
      expect(await status('', { headers: { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' } })).toBe(
        403,
      );
    }
    expect(await status('', { headers: { 'sec-fetch-site': 'none' } })).toBe(200);
    const { headers } = await get('');
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test('no method but GET and HEAD, and POST for symbol', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])
      expect(await status('heap', { method })).toBe(405);
    const head = await get('profile?seconds=50', { method: 'HEAD' });
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect((await get('symbol', { method: 'POST', body: '0x1+0x2' })).text).toBe('num_symbols: 1\n');
    expect((await get('symbol')).text).toBe('num_symbols: 1\n');
  });
});

describe('what is asked', () => {
  test('errors are those of Go: a status, a line, X-Go-Pprof', async () => {
    const unknown = await get('nothing');
    expect([unknown.status, unknown.text, unknown.headers['x-go-pprof']]).toEqual([
      404,
      'Unknown profile\n',
      '1',
    ]);
    for (const path of ['heap?seconds=abc', 'heap?seconds=-1', 'heap?seconds=0', 'heap?seconds=1&debug=1'])
      expect(await status(path)).toBe(400);
    for (const path of [
      'profile?seconds=1000000000',
      'profile?seconds=61',
      'trace?seconds=1e9',
      'block?seconds=99999999999',
    ])
      expect([path, await status(path)]).toEqual([path, 400]);
    expect(await status('profile?thread=x')).toBe(400);
    expect(await status('profile?seconds=1&thread=999')).toBe(404);
    expect(await status('trace?format=exe')).toBe(400);
  });

  test('the index page has a link for each profile, with the token that it was asked with', async () => {
    const { text } = await ask(`${served.facts.url}?token=${TOKEN}`);
    for (const name of [
      'allocs',
      'block',
      'goroutine',
      'heap',
      'mutex',
      'threadcreate',
      'profile',
      'trace',
      'cmdline',
    ])
      expect(text).toMatch(new RegExp(`href="${name}[^"]*token=${TOKEN}"`));
    expect(text).not.toMatch(/<script|https?:\/\/(?!HOST)/);
  });

  test('cmdline is the command line', async () => {
    expect((await get('cmdline')).text.split('\0')).toEqual([
      process.execPath,
      expect.stringMatching(/service\.mjs$/),
    ]);
  });

  test('the heap is known by who allocated it; allocs by seconds', async () => {
    await served.tell('remember');
    const heap = await get('heap?gc=1');
    const { sampleType, stringTable } = Profile.decode(gunzipSync(heap.body));
    expect(sampleType.map(({ type }) => stringTable.strings[Number(type)])).toEqual([
      'inuse_objects',
      'inuse_space',
    ]);
    expect(namesIn(heap.body)).toContain('remember');
    const [allocs] = await Promise.all([get('allocs?seconds=1'), served.tell('remember')]);
    expect(namesIn(allocs.body)).toEqual(expect.arrayContaining(['remember', 'alloc_space']));
  });

  test('work that is begun and not ended is known by its stack', async () => {
    const asked = get('goroutine?seconds=1');
    // Until the threads note it.
    for (let isOver = false; !isOver; ) {
      isOver = await Promise.race([asked.then(() => true), served.tell('wait').then(() => false)]);
    }
    const { body } = await asked;
    expect(namesIn(body)).toEqual(expect.arrayContaining(['waitForever', 'PROMISE']));
  });

  test('the flight recorder’s window is there when one runs', async () => {
    const without = await get('../flight');
    expect([without.status, without.text]).toEqual([404, expect.stringContaining('no flight recorder runs')]);
    // Nor is there anything left of what it would have been written to.
    expect(readdirSync(temporary)).toEqual([]);
    await served.tell('fly');
    const { status, headers, body } = await get('../flight?format=json.gz');
    expect([status, headers['content-type']]).toEqual([200, 'application/gzip']);
    expect((await readTrace(Readable.from([body]))).tracks.length).toBeGreaterThan(0);

    // A client that goes before it is written is no error.
    for (let i = 0; i < 20; i++) {
      const gone = new AbortController();
      const asked = get('../flight', { signal: gone.signal }).catch(() => {});
      await get('cmdline');
      gone.abort();
      await asked;
    }
    await expect.poll(async () => (await get('../flight')).status, { timeout: 20_000 }).toBe(200);
    expect([readdirSync(temporary), served.stderr()]).toEqual([[], '']);
  });
});

describe('captures', () => {
  test('are written where the program has its temporary files', async () => {
    const trace = get('trace?seconds=2');
    let written: string[] = [];
    for (let isOver = false; written.length === 0 && !isOver; ) {
      written = readdirSync(temporary);
      isOver = await Promise.race([trace.then(() => true), setTimeout(10, false)]);
    }
    expect((await trace).status).toBe(200);
    expect(written).toHaveLength(1);
  });

  test('one of a kind at a time; a client that goes ends its own', async () => {
    const gone = new AbortController();
    const long: Promise<unknown>[] = [];
    let refused: Asked | undefined;
    while (refused === undefined) {
      const asked = get('profile?seconds=50', { signal: gone.signal });
      long.push(asked.catch((error: Error) => error.name));
      // On a busy machine it may come before the long one.
      const short = await get('profile?seconds=1');
      if (short.status !== 200) refused = short;
    }
    expect([refused.status, refused.text]).toEqual([500, expect.stringContaining('Could not enable CPU')]);
    gone.abort();
    expect(await Promise.all(long)).toContain('AbortError');
    for (let answer = 0; answer !== 200; ) answer = await status('profile?seconds=1');
  });

  test('a worker that ends meanwhile is missing, and said to be', async () => {
    let worker: unknown;
    // Until it ends in the middle.
    for (let names: string[] = []; !names.some((name) => /mortal is missing/.test(name)); ) {
      worker = await served.tell('hire');
      const [profile] = await Promise.all([get('profile?seconds=1'), served.tell('terminate')]);
      expect(profile.status).toBe(200);
      names = namesIn(profile.body);
    }
    expect(await status(`profile?seconds=1&thread=${worker}`)).toBe(404);
  });

  test('garbage on the wire is refused, and many at once are answered', async () => {
    const { port } = new URL(served.facts.url);
    const garbage = connect(Number(port), '127.0.0.1');
    garbage.end('\0\x01\x02 nonsense\r\n\r\n');
    await new Promise((resolve) => garbage.once('close', resolve).resume());
    expect(await status(`heap?${'x'.repeat(30_000)}`).catch(() => 431)).toBe(431);
    for (const path of ['../../../etc/passwd', '..%2f..%2fetc/passwd', '%00', 'heap/', 'heap%20'])
      expect([path, await status(path)]).toEqual([path, 404]);
    const many = await Promise.all(Array.from({ length: 30 }, () => status('goroutine?debug=2')));
    expect(new Set(many)).toEqual(new Set([200]));
  });

  test('a heap sampler that somebody else holds is said, also by a second server', async () => {
    const url = await served.tell('hold');
    const { status, text } = await ask(`${url}heap`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect([status, text]).toEqual([500, expect.stringMatching(/main is missing: another profiler holds/)]);
    served.facts.url = String(url);
  });

  test('closing ends what goes on, and nothing keeps the process', async () => {
    const capture = get('profile?seconds=50').catch((error: NodeJS.ErrnoException) => error.code);
    const trace = get('trace?seconds=50').catch((error: NodeJS.ErrnoException) => error.code);
    await get('goroutine');
    const exited = new Promise((resolve) => served.child.once('exit', resolve));
    served.send('close');
    expect(await exited).toBe(0);
    await Promise.all([capture, trace]);
    expect(served.stderr()).toBe('');
  });
});
