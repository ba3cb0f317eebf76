/**
 * The environment variables by which OpenTelemetry configures an OTLP exporter. Those of traces count more than those of all signals.
 * Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
import { readFileSync } from 'node:fs';
import type { GivenResource } from './otlp-resource.ts';

/** Where and how spans are sent. */
export interface OtlpTarget {
  readonly url: URL;
  readonly headers: ReadonlyMap<string, string>;
  /** For one request. */
  readonly timeoutMs: number;
  readonly isGzip: boolean;
  readonly encoding: 'protobuf' | 'json';
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** What the command line says; it counts more than the environment. */
export interface TargetChoice {
  /** Base URL of the receiver, or the full one that ends in /v1/traces; '' or undefined: the environment's. */
  readonly url?: string | undefined;
  readonly encoding?: 'protobuf' | 'json' | undefined;
  readonly isGzip?: boolean | undefined;
}

/** A variable or URL that cannot be used. */
export class OtlpConfigurationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OtlpConfigurationError';
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

const TRACES_PATH = 'v1/traces';
const DEFAULT_URL = 'http://localhost:4318';
const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 3_600_000;
const PROTOCOLS: Readonly<Record<string, 'protobuf' | 'json'>> = {
  'http/protobuf': 'protobuf',
  'http/json': 'json',
};

/** @throws OtlpConfigurationError for what cannot be used. */
export function otlpTarget(choice: TargetChoice, environment: Environment): OtlpTarget {
  const setting = (name: string): { value: string; name: string } | undefined => {
    for (const each of [`OTEL_EXPORTER_OTLP_TRACES_${name}`, `OTEL_EXPORTER_OTLP_${name}`]) {
      const value = environment[each]?.trim() ?? '';
      if (value !== '') return { value, name: each };
    }
    return undefined;
  };
  const file = (name: string): string | undefined => {
    const found = setting(name);
    return found === undefined ? undefined : fileText(found.value, found.name);
  };
  const [ca, cert, key] = [file('CERTIFICATE'), file('CLIENT_CERTIFICATE'), file('CLIENT_KEY')];
  const url = urlOf(choice.url ?? '', environment);
  return {
    url,
    headers: headersOf(environment, url),
    timeoutMs: timeoutOf(setting('TIMEOUT')),
    isGzip: choice.isGzip ?? isGzip(setting('COMPRESSION')),
    encoding: choice.encoding ?? encodingOf(setting('PROTOCOL')),
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  };
}

/** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES. @throws OtlpConfigurationError for what is no list. */
export function givenResource(environment: Environment): GivenResource {
  const serviceName = environment.OTEL_SERVICE_NAME?.trim() ?? '';
  const attributes = pairsOf(environment.OTEL_RESOURCE_ATTRIBUTES ?? '', 'OTEL_RESOURCE_ATTRIBUTES');
  return { serviceName: serviceName === '' ? undefined : serviceName, attributes };
}

/** A URL as it can be shown: without a password, nor what stands behind the path, where some receivers want a key. */
export function shownUrl({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search === '' ? '' : '?…'}`;
}

/** The same of a text that may be a URL, a part of one or none. */
export function shownAddress(text: string): string {
  return /^https?:\/\//i.test(text) && URL.canParse(text)
    ? shownUrl(new URL(text))
    : text.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1…@').replace(/\?.*/s, '?…');
}

function urlOf(given: string, environment: Environment): URL {
  if (given !== '') return withPath(parsedUrl(given, '--otlp'));
  const own = environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?.trim() ?? '';
  // The one of traces is used as it is.
  if (own !== '') return parsedUrl(own, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const base = environment.OTEL_EXPORTER_OTLP_ENDPOINT?.trim() ?? '';
  return withPath(parsedUrl(base === '' ? DEFAULT_URL : base, 'OTEL_EXPORTER_OTLP_ENDPOINT'));
}

function withPath(url: URL): URL {
  if (url.pathname.endsWith(`/${TRACES_PATH}`)) return url;
  url.pathname = `${url.pathname.replace(/\/*$/, '')}/${TRACES_PATH}`;
  return url;
}

function parsedUrl(text: string, name: string): URL {
  // `localhost:4318` would be a URL of the scheme `localhost:`.
  const full = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  let url: URL;
  try {
    url = new URL(full);
  } catch {
    const shown = shownAddress(text);
    const advice =
      shown === text
        ? ''
        : ': in a name and password /, ?, #, @ and % are written %2F, %3F, %23, %40 and %25';
    throw new OtlpConfigurationError(
      `${name} is no URL: ${shown}. Expected one such as ${DEFAULT_URL}${advice}`,
    );
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new OtlpConfigurationError(`${name} must begin with http:// or https://, not ${url.protocol}//`);
}

function headersOf(environment: Environment, url: URL): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  if (url.username !== '') {
    const credentials = `${decoded(url.username)}:${decoded(url.password)}`;
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
  }
  for (const name of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS']) {
    for (const [key, value] of pairsOf(environment[name] ?? '', name)) {
      if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(key) || /[^\t\x20-\x7e\x80-\xff]/.test(value)) {
        throw new OtlpConfigurationError(`${name} has a header that HTTP does not allow: ${key}`);
      }
      headers.set(key.toLowerCase(), value);
    }
  }
  return headers;
}

/** `key=value,key2=value2`, values percent-encoded, as in W3C Baggage. What is wrong is not shown: it may be a key of the receiver. */
function pairsOf(text: string, name: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const [index, each] of text.split(',').entries()) {
    const part = each.trim();
    if (part === '') continue;
    const at = part.indexOf('=');
    if (at < 1) {
      throw new OtlpConfigurationError(
        `${name} takes key=value,key2=value2, with %2C for a comma in a value: part ${index + 1} of it has no key and =`,
      );
    }
    pairs.set(part.slice(0, at).trim(), decoded(part.slice(at + 1).trim()));
  }
  return pairs;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

type Setting = { readonly value: string; readonly name: string } | undefined;

function timeoutOf(found: Setting): number {
  if (found === undefined) return DEFAULT_TIMEOUT_MS;
  const value = Number(found.value);
  if (Number.isFinite(value) && value > 0) return Math.min(value, MAX_TIMEOUT_MS);
  throw new OtlpConfigurationError(`${found.name} takes milliseconds, not ${found.value}`);
}

function isGzip(found: Setting): boolean {
  if (found === undefined || found.value === 'none') return false;
  if (found.value === 'gzip') return true;
  throw new OtlpConfigurationError(`${found.name} takes gzip or none, not ${found.value}`);
}

function encodingOf(found: Setting): 'protobuf' | 'json' {
  if (found === undefined) return 'protobuf';
  const known = PROTOCOLS[found.value];
  if (known !== undefined) return known;
  throw new OtlpConfigurationError(
    `${found.name} is ${found.value}, but spans are sent over HTTP only: set it to http/protobuf or http/json, and the endpoint to the ` +
      'port for HTTP, which is 4318 as a rule',
  );
}

function fileText(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new OtlpConfigurationError(`cannot read the file that ${name} names: ${(error as Error).message}`);
  }
}
