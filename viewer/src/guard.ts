/**
 * Decides whether a request may be answered at all, from the raw request alone: method, target, Host, Origin, fetch
 * metadata, token. Nothing is routed before it. Knows neither pages nor files.
 *
 * What it stops: other machines' names that resolve here (DNS rebinding), other sites and other local ports using the
 * user's browser, other users of the machine (token), and every spelling of a path that leaves the served tree.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What the guard needs to know of the server it stands before. */
export interface GuardOptions {
  /** True for host names, without port, under which the server may be addressed. */
  readonly isOwnHost: (name: string) => boolean;
  readonly port: number;
  /** Secret of this server; undefined = none is required (a server of static public files). */
  readonly token: string | undefined;
}

/** What is to be done with a request. */
export type Verdict =
  | { readonly kind: 'pass' }
  /** A first visit with the right token: set the cookie and go to the same page without it. */
  | { readonly kind: 'enter'; readonly location: string; readonly crossSite: boolean }
  | { readonly kind: 'refuse'; readonly status: 400 | 403 | 405; readonly reason: string };

/** Cookies do not know ports, so the name carries it: several viewers at once must not fight over one cookie. */
export function cookieName(port: number): string {
  return `ttrace-${port}`;
}

/** Judges one request. Pure. */
export function judge(request: IncomingMessage, options: GuardOptions): Verdict {
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'method');
  const target = request.url ?? '';
  if (!isPlainTarget(target)) return refuse(400, 'path');
  if (!isOwnAuthority(request.headers.host, options)) return refuse(403, 'host');
  const navigation = isTopLevelNavigation(request);
  if (!navigation && isForeign(request, options)) return refuse(403, 'origin');
  if (options.token === undefined) return { kind: 'pass' };
  return judgeToken(request, target, options.token, options.port);
}

function judgeToken(request: IncomingMessage, target: string, token: string, port: number): Verdict {
  const url = new URL(target, 'http://ttrace.invalid');
  const given = url.searchParams.getAll('token');
  if (given.length > 0) {
    if (given.length > 1 || !equalSecrets(given[0]!, token)) return refuse(403, 'token');
    url.searchParams.delete('token');
    const site = request.headers['sec-fetch-site'];
    const crossSite = site === 'cross-site' || site === 'same-site';
    return { kind: 'enter', location: url.pathname + url.search, crossSite };
  }
  const cookie = cookieValue(request.headers.cookie, cookieName(port));
  return cookie !== undefined && equalSecrets(cookie, token) ? { kind: 'pass' } : refuse(403, 'token');
}

function refuse(status: 400 | 403 | 405, reason: string): Verdict {
  return { kind: 'refuse', status, reason };
}

/**
 * Only paths of plain characters: no percent-encoding, no backslash, no `..`, no empty segment, no absolute form. All
 * that we serve is named so, hence nothing has to be decoded and checked again.
 */
function isPlainTarget(target: string): boolean {
  const path = target.split('?', 1)[0]!;
  return /^(?:\/[A-Za-z0-9_.-]*)+$/.test(path) && !path.includes('..') && !path.includes('//');
}

function isOwnAuthority(host: string | undefined, options: GuardOptions): boolean {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]/@\s]+)(?::(\d{1,5}))?$/.exec(host ?? '');
  if (match === null) return false;
  return Number(match[2] ?? 80) === options.port && options.isOwnHost(match[1]!.toLowerCase());
}

/** A page that the user opens, by whatever link, in a window of its own. Its answer is unreadable to the linking site. */
function isTopLevelNavigation(request: IncomingMessage): boolean {
  const { headers } = request;
  return (
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document' &&
    headers.origin === undefined
  );
}

/** Another port of this machine is same-site to a browser, but as foreign to us as any other site. */
function isForeign(request: IncomingMessage, options: GuardOptions): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    // A server of public files is framed by the viewer's page on its other port.
    if (options.token !== undefined || request.headers['sec-fetch-mode'] !== 'navigate') return true;
  }
  const { origin, host } = request.headers;
  return origin !== undefined && origin !== `http://${host}`;
}

function equalSecrets(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function cookieValue(header: string | undefined, name: string): string | undefined {
  for (const part of header?.split(';') ?? []) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}
