/** The variables of the OTLP exporter specification. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { givenResource, otlpTarget, shownUrl } from './otlp-environment.ts';

const url = (choice: string | undefined, environment: Record<string, string> = {}): string =>
  otlpTarget({ url: choice }, environment).url.href;

const V1 = 'OTEL_EXPORTER_OTLP';

test.each([
  ['http://host:4318', 'http://host:4318/v1/traces'],
  ['http://host:4318/', 'http://host:4318/v1/traces'],
  ['https://host/otlp', 'https://host/otlp/v1/traces'],
  ['https://host/otlp/v1/traces?key=1', 'https://host/otlp/v1/traces?key=1'],
  ['host:4318', 'http://host:4318/v1/traces'],
  ['http://[::1]:4318', 'http://[::1]:4318/v1/traces'],
  ['', 'http://localhost:4318/v1/traces'],
])('--otlp %s sends to %s', (given, expected) => {
  expect(url(given)).toBe(expected);
});

test('the path is added to the endpoint of all signals, and not to that of traces, which counts more', () => {
  expect(url('', { [`${V1}_ENDPOINT`]: 'http://a:1/x/' })).toBe('http://a:1/x/v1/traces');
  const both = { [`${V1}_ENDPOINT`]: 'http://a:1', [`${V1}_TRACES_ENDPOINT`]: 'http://b:2/own' };
  expect(url('', both)).toBe('http://b:2/own');
  expect(url('http://c:3', both)).toBe('http://c:3/v1/traces');
  expect(url('', { [`${V1}_TRACES_ENDPOINT`]: '', [`${V1}_ENDPOINT`]: ' ' })).toBe(
    'http://localhost:4318/v1/traces',
  );
});

test('headers of both variables are sent, percent-decoded, those of traces count more', () => {
  const { headers } = otlpTarget(
    {},
    { [`${V1}_HEADERS`]: 'Api-Key=a%20b, x=1', [`${V1}_TRACES_HEADERS`]: 'x=2,authorization=Basic QQ==' },
  );
  expect(Object.fromEntries(headers)).toEqual({ 'api-key': 'a b', x: '2', authorization: 'Basic QQ==' });
});

test('a password in the URL is sent as a header and never shown', () => {
  const target = otlpTarget({ url: 'http://me:s%40cret@host' }, {});
  expect(target.headers.get('authorization')).toBe(`Basic ${Buffer.from('me:s@cret').toString('base64')}`);
  expect(shownUrl(target.url)).toBe('http://host/v1/traces');
});

test('a key in the query is sent and never shown', () => {
  const { url: sent } = otlpTarget({ url: 'https://host/otlp?key=s3cret#s3cret' }, {});
  expect(sent.href).toContain('?key=s3cret');
  expect(shownUrl(sent)).toBe('https://host/otlp/v1/traces?…');
});

test('a password with a percent sign that begins no code is taken as it is', () => {
  const { headers } = otlpTarget({ url: 'http://me:100%@host' }, {});
  expect(headers.get('authorization')).toBe(`Basic ${Buffer.from('me:100%').toString('base64')}`);
});

test.each<[given: string, expected: string, environment: Record<string, string>]>([
  ['http://me:s3#cret@host', '--otlp is no URL: http://…@host. ', {}],
  ['me:s3/cret@host:1', '--otlp is no URL: …@host:1. ', {}],
  ['http://host:port?key=s3cret', '--otlp is no URL: http://host:port?…. ', {}],
  ['', '_HEADERS takes key=value', { [`${V1}_HEADERS`]: 'api-key:s3cret' }],
  ['', 'part 2 of it has no key and =', { [`${V1}_HEADERS`]: 'authorization=Bearer x,s3cret' }],
])('what is wrong with %s is said without the secret in it: %s', (given, expected, environment) => {
  let message = '';
  try {
    otlpTarget({ url: given }, environment);
  } catch (error) {
    ({ message } = error as Error);
  }
  expect(message).toContain(expected);
  expect(message).not.toMatch(/s3|cret/);
});

test('timeout, compression, protocol and certificate have the meaning of the specification', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-otlp-'));
  try {
    const file = join(directory, 'ca.pem');
    writeFileSync(file, 'CA');
    const environment = {
      [`${V1}_TIMEOUT`]: '2500',
      [`${V1}_COMPRESSION`]: 'gzip',
      [`${V1}_TRACES_PROTOCOL`]: 'http/json',
      [`${V1}_PROTOCOL`]: 'grpc',
      [`${V1}_CERTIFICATE`]: file,
    };
    expect(otlpTarget({}, environment)).toMatchObject({
      timeoutMs: 2500,
      isGzip: true,
      encoding: 'json',
      tls: { ca: 'CA' },
    });
    expect(otlpTarget({ isGzip: false, encoding: 'protobuf' }, environment)).toMatchObject({
      isGzip: false,
      encoding: 'protobuf',
    });
    expect(otlpTarget({}, {})).toMatchObject({
      timeoutMs: 10_000,
      isGzip: false,
      encoding: 'protobuf',
      tls: {},
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.each([
  [{ [`${V1}_TRACES_PROTOCOL`]: 'grpc' }, /_TRACES_PROTOCOL is grpc, but spans are sent over HTTP only/],
  [{ [`${V1}_TIMEOUT`]: 'soon' }, /_TIMEOUT takes milliseconds, not soon/],
  [{ [`${V1}_COMPRESSION`]: 'zstd' }, /_COMPRESSION takes gzip or none/],
  [{ [`${V1}_HEADERS`]: 'no value' }, /_HEADERS takes key=value/],
  [{ [`${V1}_HEADERS`]: 'a b=1' }, /a header that HTTP does not allow: a b/],
  [{ [`${V1}_ENDPOINT`]: 'ftp://x' }, /must begin with http:\/\/ or https:\/\//],
  [{ [`${V1}_ENDPOINT`]: 'http://' }, /is no URL/],
  [
    { [`${V1}_CERTIFICATE`]: '/does/not/exist' },
    /cannot read the file that OTEL_EXPORTER_OTLP_CERTIFICATE names/,
  ],
])('%o is refused', (environment, message) => {
  expect(() => otlpTarget({}, environment as Record<string, string>)).toThrow(message);
});

test('the resource is that of the variables', () => {
  const given = givenResource({ OTEL_SERVICE_NAME: 'shop', OTEL_RESOURCE_ATTRIBUTES: 'a=1,team=b%2Cc' });
  expect(given.serviceName).toBe('shop');
  expect(Object.fromEntries(given.attributes)).toEqual({ a: '1', team: 'b,c' });
  expect(givenResource({})).toEqual({ serviceName: undefined, attributes: new Map() });
});
