/** The guard, before a real server: each request is written byte by byte to a socket. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startViewer, type Viewer } from './start-viewer.ts';
import { type RawAnswer, rawRequest, sampleTrace } from './viewer-test-kit.ts';

let viewer: Viewer;
let cookie: string;

beforeAll(async () => {
  viewer = await startViewer({ trace: sampleTrace(), title: 'orders.json', fileName: 'orders.json' });
  cookie = `Cookie: ttrace-${viewer.port}=${viewer.token}`;
});
afterAll(() => viewer.close());

function ask(target: string, ...headers: string[]): Promise<RawAnswer> {
  const host = headers.some((line) => /^host:/i.test(line)) ? [] : [`Host: 127.0.0.1:${viewer.port}`];
  return rawRequest(viewer.port, [`GET ${target} HTTP/1.1`, ...host, ...headers]);
}

describe('the token', () => {
  it('is 32 hexadecimal digits and stands in the address', () => {
    expect(viewer.token).toMatch(/^[0-9a-f]{32}$/);
    expect(viewer.url).toBe(`http://127.0.0.1:${viewer.port}/?token=${viewer.token}`);
  });

  it('becomes a cookie that scripts and other sites cannot have, and leaves the address', async () => {
    const answer = await ask(`/timeline?start=1ms&end=2ms&token=${viewer.token}`);
    expect(answer.status).toBe(302);
    expect(answer.headers.get('location')).toBe('/timeline?start=1ms&end=2ms');
    expect(answer.headers.get('set-cookie')).toBe(
      `ttrace-${viewer.port}=${viewer.token}; Path=/; HttpOnly; SameSite=Strict`,
    );
  });

  it('is required of every page, file and stream', async () => {
    const paths = [
      '/',
      '/threads',
      '/threads.csv',
      '/timeline',
      '/ui/boot',
      '/trace.pftrace',
      '/client/timeline.js',
      '/assets/page.css',
    ];
    paths.push('/ui/trace_processor.wasm', '/nothing-here');
    for (const path of paths) expect.soft((await ask(path)).status, path).toBe(403);
    for (const path of paths.slice(0, -1)) expect.soft((await ask(path, cookie)).status, path).toBe(200);
  });

  it('tells a visitor without it what to do', async () => {
    const { body, headers } = await ask('/');
    expect(body).toContain('open the whole link from the terminal');
    expect(headers.get('set-cookie')).toBeUndefined();
  });

  it('is refused when wrong, doubled, empty, cut short, or in the cookie of another port', async () => {
    const { token, port } = viewer;
    const wrong = token.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    for (const query of [wrong, '', token.slice(1), `${token}&token=${token}`, `${token}0`]) {
      expect.soft((await ask(`/?token=${query}`)).status, query).toBe(403);
    }
    expect((await ask('/', `Cookie: ttrace-${port}=${wrong}`)).status).toBe(403);
    expect((await ask('/', `Cookie: ttrace-${port + 1}=${token}`)).status).toBe(403);
  });

  it('is new for each viewer', async () => {
    await using other = await startViewer({ trace: sampleTrace(), title: 'b', fileName: 'b' });
    expect(other.token).not.toBe(viewer.token);
    const crossed = await rawRequest(other.port, [
      'GET / HTTP/1.1',
      `Host: 127.0.0.1:${other.port}`,
      `Cookie: ttrace-${other.port}=${viewer.token}`,
    ]);
    expect(crossed.status).toBe(403);
  });
});

describe('the Host header', () => {
  it('may be any loopback name with the right port', async () => {
    for (const name of ['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]']) {
      const answer = await ask('/', `Host: ${name}:${viewer.port}`, cookie);
      expect.soft(answer.status, name).toBe(200);
    }
  });

  it('is refused when it is a name that was rebound to this machine, even with the cookie', async () => {
    const { port } = viewer;
    const hosts = [
      `evil.example:${port}`,
      `127.0.0.1.evil.example:${port}`,
      'localhost',
      `localhost:${port + 1}`,
    ];
    hosts.push(`user@127.0.0.1:${port}`, `127.0.0.1:${port}/`, `192.168.0.9:${port}`, '');
    for (const host of hosts) {
      const answer = await ask('/', `Host: ${host}`, cookie);
      expect.soft([400, 403], host).toContain(answer.status);
      expect.soft(answer.body, host).not.toContain('orders.json');
    }
  });
});

describe('requests of other sites', () => {
  it('are refused by Origin, whatever they ask for', async () => {
    for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:${viewer.port + 1}`]) {
      const answer = await ask('/trace.pftrace', `Origin: ${origin}`, cookie);
      expect.soft(answer.status, origin).toBe(403);
      expect.soft(answer.headers.has('access-control-allow-origin')).toBe(false);
    }
    const own = await ask('/trace.pftrace', `Origin: http://127.0.0.1:${viewer.port}`, cookie);
    expect(own.status).toBe(200);
  });

  it('are refused by fetch metadata, another port of this machine included', async () => {
    for (const site of ['cross-site', 'same-site']) {
      const image = ['Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: image'];
      expect
        .soft((await ask('/assets/icon.svg', `Sec-Fetch-Site: ${site}`, ...image, cookie)).status)
        .toBe(403);
      const frame = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'];
      expect.soft((await ask('/ui/boot', `Sec-Fetch-Site: ${site}`, ...frame, cookie)).status).toBe(403);
    }
    expect((await ask('/', 'Sec-Fetch-Site: same-origin', cookie)).status).toBe(200);
  });

  it('may be a link with the token, which is followed by a page of ours so that the cookie counts', async () => {
    const link = ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'];
    const answer = await ask(`/timeline?token=${viewer.token}`, ...link);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('set-cookie')).toContain('SameSite=Strict');
    expect(answer.body).toContain('content="0; url=/timeline"');
    expect((await ask('/timeline', ...link)).status).toBe(403);
  });
});

describe('the path', () => {
  it('is refused in every spelling that could leave the served files', async () => {
    const paths = ['/../package.json', '/assets/../../package.json', '/assets/..%2f..%2fpackage.json'];
    paths.push('/assets/%2e%2e/%2e%2e/package.json', '/ui/..\\..\\package.json', '/ui/%5c..%5cpackage.json');
    paths.push('//etc/passwd', '/ui//etc/passwd', '/assets/page.css%00.js', '/assets/./..//page.css', '/%');
    for (const path of paths) {
      const answer = await ask(path, cookie);
      expect.soft(answer.status, path).toBe(400);
      expect.soft(answer.body, path).not.toMatch(/"name"|root:/);
    }
  });

  it('is refused in absolute form', async () => {
    const answer = await ask(`http://127.0.0.1:${viewer.port}/`, cookie);
    expect(answer.status).toBe(400);
  });

  it('leads nowhere when it is not in the list of files, even beside files that are', async () => {
    const paths = ['/package.json', '/ui/package.json', '/ui/traceconv_bundle.js', '/assets/', '/client'];
    paths.push('/client/timeline.d.ts', '/src/guard.ts', '/ui/boot.js');
    for (const path of paths) expect.soft((await ask(path, cookie)).status, path).toBe(404);
  });
});

describe('the method', () => {
  it('is refused when it is not GET or HEAD', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND']) {
      const head = [`${method} / HTTP/1.1`, `Host: 127.0.0.1:${viewer.port}`, cookie, 'Content-Length: 0'];
      const answer = await rawRequest(viewer.port, head);
      expect.soft(answer.status, method).toBe(405);
      expect.soft(answer.headers.get('allow'), method).toBe('GET, HEAD');
    }
  });

  it('HEAD answers like GET, without a body', async () => {
    const head = ['HEAD / HTTP/1.1', `Host: 127.0.0.1:${viewer.port}`, cookie];
    const answer = await rawRequest(viewer.port, head);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(answer.body).toBe('');
  });
});

describe('the headers of an answer', () => {
  it('confine each page to what it needs', async () => {
    for (const path of [
      '/',
      '/threads',
      '/timeline',
      '/ui/boot',
      '/ui/engine_bundle.js',
      '/client/boot.js',
    ]) {
      const { headers } = await ask(path, cookie);
      const policy = headers.get('content-security-policy') ?? '';
      expect.soft(policy, path).toContain("default-src 'none'");
      expect.soft(policy, path).not.toMatch(/unsafe-inline|'unsafe-eval'|\*|https:/);
      expect.soft(headers.get('x-content-type-options'), path).toBe('nosniff');
      expect.soft(headers.get('referrer-policy'), path).toBe('no-referrer');
      expect.soft(headers.get('cross-origin-resource-policy'), path).toBe('same-origin');
    }
  });

  it('allow wasm where Perfetto runs and nowhere else, and framing by our own pages alone', async () => {
    const policyOf = async (path: string) => (await ask(path, cookie)).headers.get('content-security-policy');
    expect(await policyOf('/ui/boot')).toContain("'wasm-unsafe-eval'");
    expect(await policyOf('/ui/boot')).toContain("frame-ancestors 'self'");
    for (const path of ['/', '/threads', '/timeline']) {
      expect.soft(await policyOf(path)).not.toContain('wasm');
      expect.soft(await policyOf(path)).toContain("frame-ancestors 'none'");
    }
  });

  it('stand on refusals and on files not found, too', async () => {
    for (const answer of [await ask('/'), await ask('/nothing', cookie), await ask('/..', cookie)]) {
      expect.soft(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect.soft(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect.soft(answer.headers.get('cache-control')).toBe('no-store');
    }
  });
});
