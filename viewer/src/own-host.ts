/** Under which names the viewer may be addressed, given the address it listens on. Part of the defence against DNS rebinding. */
import { isIP } from 'node:net';
import { hostname } from 'node:os';

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** True for addresses that stand for every interface of the machine. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '[::]';
}

/**
 * Makes the test for the host part of a Host header (lower case, IPv6 in brackets).
 *
 * Loopback names and the host asked for pass. On all interfaces any literal address passes too, as no DNS name can be
 * rebound to one, and the machine's own name.
 */
export function ownHosts(host: string): (name: string) => boolean {
  const names = new Set([...LOOPBACK, inUrl(host).toLowerCase()]);
  if (!isWildcard(host)) return (name) => names.has(name);
  names.add(hostname().toLowerCase());
  return (name) => names.has(name) || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0;
}

/** A host as it stands in a URL: IPv6 addresses in brackets. */
export function inUrl(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
