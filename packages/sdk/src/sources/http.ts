/** HTTP: requests that this process serves, and those that it makes, by node:http, node:http2 and by undici, which `fetch` is. */
import { startFetch } from './fetch.ts';
import { startHttpClient } from './http-client.ts';
import { startPropagation } from './http-propagation.ts';
import { startHttpServer } from './http-server.ts';
import { startHttp2 } from './http2.ts';

export function startHttp(): () => void {
  const stops = [startHttpServer(), startHttpClient(), startHttp2(), startFetch(), startPropagation()];
  return () => {
    for (const stop of stops) stop();
  };
}
