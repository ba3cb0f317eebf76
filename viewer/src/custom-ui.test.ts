/** The server of a user's own Perfetto UI, over real sockets and a real directory. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCustomUi } from './custom-ui.ts';
import type { Listening } from './listen.ts';
import { ownHosts } from './own-host.ts';
import { rawRequest } from './viewer-test-kit.ts';

let directory: string;
let server: Listening;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ttrace-custom-ui-'));
  const ui = join(directory, 'ui');
  mkdirSync(join(ui, 'v55.0'), { recursive: true });
  writeFileSync(join(ui, 'index.html'), '<!doctype html><title>a build of Perfetto</title>');
  writeFileSync(join(ui, 'v55.0', 'trace_processor.wasm'), Buffer.from([0, 97, 115, 109]));
  writeFileSync(join(directory, 'secret.txt'), 'secret');
  symlinkSync(join(directory, 'secret.txt'), join(ui, 'link.txt'));
  server = await startCustomUi(ui, '127.0.0.1', ownHosts('127.0.0.1'));
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const get = (path: string, ...headers: string[]) =>
  rawRequest(server.port, [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${server.port}`, ...headers]);

describe('the custom UI server', () => {
  it('serves index.html at its root and wasm as wasm, without isolating headers', async () => {
    const index = await get('/');
    expect(index.body).toContain('a build of Perfetto');
    expect(index.headers.get('content-type')).toContain('text/html');
    expect(index.headers.has('cross-origin-opener-policy')).toBe(false);
    const wasm = await get('/v55.0/trace_processor.wasm');
    expect(wasm.headers.get('content-type')).toBe('application/wasm');
    expect(wasm.headers.get('content-length')).toBe('4');
  });

  it('may be framed from another port of this machine', async () => {
    const framed = await get(
      '/',
      'Sec-Fetch-Site: same-site',
      'Sec-Fetch-Mode: navigate',
      'Sec-Fetch-Dest: iframe',
    );
    expect(framed.status).toBe(200);
  });

  it('refuses names that are not its own, and loads by other sites', async () => {
    const foreign = await rawRequest(server.port, ['GET / HTTP/1.1', `Host: evil.example:${server.port}`]);
    expect(foreign.status).toBe(403);
    const load = ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: script'];
    expect((await get('/v55.0/trace_processor.wasm', ...load)).status).toBe(403);
  });

  it('serves nothing outside its directory, by path or by link', async () => {
    for (const path of [
      '/../secret.txt',
      '/..%2fsecret.txt',
      '/v55.0/../../secret.txt',
      '/link.txt',
      '/v55.0',
    ]) {
      const answer = await get(path);
      expect.soft([400, 404], path).toContain(answer.status);
      expect.soft(answer.body, path).not.toContain('secret');
    }
  });

  it('answers only GET and HEAD', async () => {
    const head = ['POST / HTTP/1.1', `Host: 127.0.0.1:${server.port}`, 'Content-Length: 0'];
    expect((await rawRequest(server.port, head)).status).toBe(405);
  });

  it('does not start on a directory that is no Perfetto UI', async () => {
    const start = (path: string) => startCustomUi(path, '127.0.0.1', ownHosts('127.0.0.1'));
    await expect(start(directory)).rejects.toThrow('holds no Perfetto UI');
    await expect(start(join(directory, 'missing'))).rejects.toThrow('expected an unzipped perfetto-ui.zip');
  });
});
