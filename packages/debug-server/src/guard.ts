/**
 * Decides whether a request may be answered at all, before anything else looks at it: method, Host, Origin, fetch metadata, token.
 *
 * What it stops: names of other machines that resolve to this one (DNS rebinding), pages of other origins that use the user's browser,
 * and, with a token, everybody who does not have it. Ports are not compared: behind a forwarded port the client knows another.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { ChosenOptions } from './debug-server-options.ts';
import { HttpProblem } from './http-problem.ts';

/** @throws HttpProblem for a request that may not be answered. */
export function guard(request: IncomingMessage, url: URL, options: ChosenOptions): void {
  const { host = '', origin } = request.headers;
  if (!isOwnHost(host, options)) {
    throw new HttpProblem(
      403,
      'this server does not go by that name: use localhost or an address, or allow the name (allowedHosts)',
    );
  }
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw foreign();
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) throw foreign();
  if (options.token !== undefined && !hasToken(request, url, options.token)) {
    throw new HttpProblem(401, 'this server needs a token: Authorization: Bearer TOKEN, or ?token=TOKEN', {
      'WWW-Authenticate': 'Bearer',
    });
  }
}

function foreign(): HttpProblem {
  return new HttpProblem(403, 'pages of other origins are not answered');
}

/** An address cannot be rebound; a name is one of ours only if somebody said so. */
function isOwnHost(host: string, { host: own, allowedHosts }: ChosenOptions): boolean {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/@\s]+))(?::\d{1,5})?$/.exec(host);
  if (match === null) return false;
  if (match[1] !== undefined) return isIP(match[1]) === 6;
  const name = match[2]!.toLowerCase().replace(/\.$/, '');
  if (isIP(name) === 4 || name === 'localhost' || name === own.toLowerCase()) return true;
  return name === hostname().toLowerCase() || allowedHosts.includes(name);
}

function hasToken(request: IncomingMessage, url: URL, token: string): boolean {
  const header = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  const query = url.searchParams.getAll('token');
  const given = header ?? (query.length === 1 ? query[0] : undefined);
  return given !== undefined && areEqual(given, token);
}

/** In a time that does not depend on where they differ. */
function areEqual(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
