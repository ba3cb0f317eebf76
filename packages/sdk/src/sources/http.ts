/** HTTP: requests that this process serves, and those that it makes, by node:http and by undici, which `fetch` is. */
import { startFetch } from './fetch.ts';
import { startHttpClient } from './http-client.ts';
import { startHttpServer } from './http-server.ts';

export function startHttp(): () => void {
  const stops = [startHttpServer(), startHttpClient(), startFetch()];
  return () => {
    for (const stop of stops) stop();
  };
}
