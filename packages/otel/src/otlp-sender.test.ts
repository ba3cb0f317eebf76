/** Sending to receivers that answer in every way that there is, over real sockets. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { OtlpBody } from './otlp-bodies.ts';
import { otlpTarget, type TargetChoice } from './otlp-environment.ts';
import { type SendOptions, type SendResult, sendBodies } from './otlp-sender.ts';

interface Taken {
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
  readonly atMs: number;
}

type Answer = (response: ServerResponse, count: number, body: string) => void;

interface Receiver extends AsyncDisposable {
  readonly url: string;
  /** Requests that came whole, in order. */
  readonly taken: Taken[];
  /** Most requests that were open at a time. */
  readonly most: () => number;
}

/** A receiver that answers the n-th request, counted from 1, as the function does. */
async function receiver(answer: Answer): Promise<Receiver> {
  const taken: Taken[] = [];
  let open = 0;
  let most = 0;
  const server = createServer((request, response) => {
    most = Math.max(most, ++open);
    response.on('close', () => open--);
    const chunks: Uint8Array[] = [];
    request.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
      taken.push({ body, headers: request.headers, atMs: performance.now() });
      answer(response, taken.length, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    most: () => most,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const ok: Answer = (response) => response.setHeader('content-type', 'application/x-protobuf').end();

function* bodies(count: number): Generator<OtlpBody> {
  for (let i = 1; i <= count; i++)
    yield { bytes: Buffer.from(`body ${i}`), spans: 10, contentType: 'text/plain' };
}

function send(
  url: string,
  count: number,
  more: Partial<SendOptions & TargetChoice> = {},
): Promise<SendResult> {
  return sendBodies(bodies(count), otlpTarget({ url, ...more }, {}), {
    inFlight: 4,
    deadlineMs: 30_000,
    signal: new AbortController().signal,
    onProgress: () => {},
    ...more,
  });
}

test('every body arrives once, four at a time, and progress counts spans', async () => {
  const held: ServerResponse[] = [];
  await using server = await receiver((response) => {
    held.push(response);
    if (held.length === 4) for (const each of held.splice(0)) each.end();
  });
  const progress: number[] = [];
  const result = await send(server.url, 12, { onProgress: (spans) => progress.push(spans) });
  expect(result).toMatchObject({ sent: 120, requests: 12, retries: 0, stopped: undefined });
  expect(result.lost.size).toBe(0);
  expect(new Set(server.taken.map(({ body }) => body)).size).toBe(12);
  expect(server.most()).toBe(4);
  expect(progress).toEqual(Array.from({ length: 12 }, (_, i) => (i + 1) * 10));
});

test('never more than four bodies are made before one of them is answered', async () => {
  let made = 0;
  let answered = 0;
  let ahead = 0;
  await using server = await receiver((response) => {
    answered++;
    response.end();
  });
  const counted = (function* (): Generator<OtlpBody> {
    for (const body of bodies(40)) {
      made++;
      ahead = Math.max(ahead, made - answered);
      yield body;
    }
  })();
  const options = {
    inFlight: 4,
    deadlineMs: 30_000,
    signal: new AbortController().signal,
    onProgress: () => {},
  };
  await sendBodies(counted, otlpTarget({ url: server.url }, {}), options);
  expect(made).toBe(40);
  expect(ahead).toBeLessThanOrEqual(4);
});

test('bodies are compressed when asked for', async () => {
  await using server = await receiver(ok);
  expect(await send(server.url, 1, { isGzip: true })).toMatchObject({ sent: 10 });
  expect(server.taken[0]).toMatchObject({ body: 'body 1', headers: { 'content-encoding': 'gzip' } });
});

test('429, 502, 503 and 504 are tried again with the same body', async () => {
  const statuses = [429, 502, 503, 504];
  await using server = await receiver((response, count, body) => {
    response.statusCode = count <= 4 ? statuses[Number(body.slice(-1)) - 1]! : 200;
    response.end();
  });
  expect(await send(server.url, 4)).toMatchObject({ sent: 40, requests: 8, retries: 4 });
  const each = server.taken.map(({ body }) => body).sort();
  expect(each).toEqual([1, 1, 2, 2, 3, 3, 4, 4].map((number) => `body ${number}`));
});

test('Retry-After in seconds and as a date is waited for', async () => {
  let date = 0;
  await using server = await receiver((response, count, body) => {
    date ||= Math.ceil(Date.now() / 1000) * 1000 + 1000;
    const header = body === 'body 1' ? '1' : new Date(date).toUTCString();
    if (count <= 2) response.writeHead(503, { 'retry-after': header });
    else if (body === 'body 2') expect(Date.now()).toBeGreaterThanOrEqual(date);
    response.end();
  });
  expect(await send(server.url, 2)).toMatchObject({ sent: 20, requests: 4 });
  const [first, second] = server.taken.filter(({ body }) => body === 'body 1');
  // Without the header 300 ms at most.
  expect(second!.atMs - first!.atMs).toBeGreaterThanOrEqual(990);
});

test('a Retry-After past the deadline ends sending at once, with all numbers', async () => {
  await using server = await receiver((response) =>
    response.writeHead(503, { 'retry-after': '3600' }).end('busy'),
  );
  const result = await send(server.url, 40, { deadlineMs: 5000 });
  expect(result).toMatchObject({ sent: 0, stopped: 'answered 503: busy' });
  const lost = [...result.lost.values()].reduce((sum, count) => sum + count, 0);
  expect(lost).toBe(server.taken.length * 10);
  expect(server.taken.length).toBeLessThanOrEqual(8);
});

test('a receiver that stays busy is given up at the deadline', async () => {
  await using server = await receiver((response) => response.writeHead(503).end('{"message":"full"}'));
  const result = await send(server.url, 40, { deadlineMs: 700 });
  expect(result.sent).toBe(0);
  expect(result.stopped).toContain('answered 503');
});

test('a connection that is reset is made again', async () => {
  await using server = await receiver((response, count) => {
    if (count === 1) response.socket?.resetAndDestroy();
    else response.end();
  });
  expect(await send(server.url, 1)).toMatchObject({ sent: 10, retries: 1 });
});

test('a receiver that goes away is waited for until the deadline', async () => {
  let url = '';
  {
    await using server = await receiver(ok);
    ({ url } = server);
  }
  const result = await send(url, 8, { deadlineMs: 800 });
  expect(result).toMatchObject({ sent: 0, stopped: 'nothing listens there any more' });
});

test('no answer within the timeout is tried again', async () => {
  await using server = await receiver((response, count) => {
    if (count > 1) response.end();
  });
  const target = { ...otlpTarget({ url: server.url }, {}), timeoutMs: 200 };
  const options = {
    inFlight: 1,
    deadlineMs: 30_000,
    signal: new AbortController().signal,
    onProgress: () => {},
  };
  const { sent, retries } = await sendBodies(bodies(1), target, options);
  expect(sent).toBe(10);
  // On a busy machine an answer may be late twice.
  expect(retries).toBeGreaterThanOrEqual(1);
});

test.each([400, 413, 415, 500])(
  '%i loses its body alone, with the reason, and the others go on',
  async (status) => {
    await using server = await receiver((response, count) => {
      if (count === 2) response.writeHead(status, { 'content-type': 'application/json' });
      response.end(count === 2 ? '{"code":3,"message":"odd\\n id"}' : '');
    });
    const result = await send(server.url, 5);
    expect(result).toMatchObject({ sent: 40, retries: 0, stopped: undefined });
    expect([...result.lost]).toEqual([[`answered ${status}: odd id`, 10]]);
  },
);

test.each([401, 403, 404])('%i stops sending: all others would get it too', async (status) => {
  await using server = await receiver((response) => response.writeHead(status).end());
  const result = await send(server.url, 100);
  expect(result).toMatchObject({ sent: 0, stopped: `answered ${status}` });
  expect(server.taken.length).toBeLessThanOrEqual(4);
});

test('a web page is no receiver, although it answers 200', async () => {
  await using server = await receiver((response) =>
    response
      .setHeader('content-type', 'text/html; charset=utf-8')
      .end('\n<!DOCTYPE html><title>Log in</title>'),
  );
  expect(await send(server.url, 1)).toMatchObject({
    sent: 0,
    stopped: 'answered 200: a web page, not a receiver of OTLP',
  });
});

test('a redirect is not followed, and says where to', async () => {
  await using server = await receiver((response) =>
    response.writeHead(301, { location: 'https://new/' }).end(),
  );
  expect((await send(server.url, 1)).stopped).toBe('answered 301 to https://new/');
});

test('a secret in the address of a redirect is not shown', async () => {
  await using server = await receiver((response) =>
    response.writeHead(302, { location: 'https://me:s3cret@new/login?key=s3cret' }).end(),
  );
  expect((await send(server.url, 1)).stopped).toBe('answered 302 to https://new/login?…');
});

test.each([
  ['application/json', Buffer.from('{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}')],
  ['application/x-protobuf', Buffer.from([0x0a, 11, 0x08, 3, 0x12, 7, ...Buffer.from('too old')])],
])('a partial success in %s is counted', async (contentType, body) => {
  await using server = await receiver((response) => {
    response.setHeader('content-type', contentType).end(body);
  });
  const result = await send(server.url, 2);
  expect(result.sent).toBe(14);
  expect([...result.lost]).toEqual([['rejected by the receiver: too old', 6]]);
});

test('what a receiver says though it takes everything is kept, each text once', async () => {
  await using server = await receiver((response) => {
    response
      .setHeader('content-type', 'application/json')
      .end('{"partialSuccess":{"errorMessage":"names are cut"}}');
  });
  expect(await send(server.url, 3)).toMatchObject({
    sent: 30,
    lost: new Map(),
    warnings: ['names are cut'],
  });
});

test('an answer that ends in the middle of its number rejects nothing', async () => {
  await using server = await receiver((response) => {
    response.setHeader('content-type', 'application/x-protobuf').end(Buffer.from([0x0a, 1, 0x08]));
  });
  expect(await send(server.url, 1)).toMatchObject({ sent: 10, lost: new Map() });
});

test('what a receiver answers moves no cursor of a terminal', async () => {
  await using server = await receiver((response) =>
    response.writeHead(400).end('no\u001b[2J\u0000\u009bway'),
  );
  expect([...(await send(server.url, 1)).lost.keys()]).toEqual(['answered 400: no [2J way']);
});

test('the reason of a refusal is read from protobuf too', async () => {
  await using server = await receiver((response) => {
    response.writeHead(400, { 'content-type': 'application/x-protobuf' });
    response.end(Buffer.from([0x08, 3, 0x12, 3, ...Buffer.from('odd')]));
  });
  expect([...(await send(server.url, 1)).lost.keys()]).toEqual(['answered 400: odd']);
});

test('an abort ends sending, and what was in flight is counted as lost', async () => {
  const stop = new AbortController();
  await using server = await receiver((response, count) => {
    if (count <= 2) response.end();
    else stop.abort();
  });
  const result = await send(server.url, 50, { signal: stop.signal, inFlight: 1 });
  expect(result).toMatchObject({ sent: 20, stopped: 'interrupted' });
  expect([...result.lost]).toEqual([['interrupted', 10]]);
});
