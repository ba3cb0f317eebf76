/**
 * Starts and stops the viewer: binds the sockets, makes the token, joins the application to them. Holds no state past
 * `close`. Prints nothing; the caller shows the address and warns when the host is not loopback.
 */
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Trace } from '@ttrace/format';
import { createApp } from './app.tsx';
import { startCustomUi } from './custom-ui.ts';
import { Delivery } from './delivery.ts';
import { listen } from './listen.ts';
import { inUrl, isWildcard, ownHosts } from './own-host.ts';
import { MAX_EVENTS_IN_VIEW, Subject } from './subject.ts';
import { servedFiles } from './ui-files.ts';

/** What to show, and where. */
export interface ViewerOptions {
  readonly trace: Trace;
  /** What the pages call the trace; usually the file's name. */
  readonly title: string;
  /** Name under which Perfetto offers the trace for download. */
  readonly fileName: string;
  /** Address to listen on, 127.0.0.1 unless given. Anything but loopback lets other machines try the token. */
  readonly host?: string;
  /** Port to listen on; 0, the default, takes a free one. */
  readonly port?: number;
  /** Directory of an unzipped official `perfetto-ui.zip`, to be used in place of the bundled UI. */
  readonly perfettoUi?: string;
  /** Most events that one timeline takes. Lower it for browsers with little memory; the default is 3 million. */
  readonly maxEvents?: number;
}

/** A running viewer. */
export interface Viewer extends AsyncDisposable {
  /** The home page's address, with the token that admits its reader. */
  readonly url: string;
  readonly port: number;
  /** The secret, 32 hexadecimal digits; new at every start. */
  readonly token: string;
  /** Address of a page, with the token; `path` begins with `/` and may carry a query. */
  urlOf(path: string): string;
  /**
   * Milliseconds since a page last asked for anything or had the last of the trace. An open timeline asks every 20 seconds, once a minute in a
   * background tab: after 90 seconds of silence nobody is looking.
   */
  idleMs(): number;
  /**
   * Resolves when the trace has been delivered once: a second after a timeline page said that it shows it, else when
   * somebody has read it to its end and nothing was asked for in the 5 seconds since (a minute, if a page said that it
   * loads it). Stays pending when that never comes, or `close` comes before.
   */
  untilShown(): Promise<void>;
  /**
   * Makes what most pages need of a large trace, which takes half a second for a million events: each page then answers within a
   * second. Without it they make it when they are first asked for.
   * @param onStep is told of each step.
   */
  prepare(onStep?: () => void): Promise<void>;
  /** Ends all connections and frees the ports. Harmless twice. */
  close(): Promise<void>;
}

/**
 * Starts a viewer for one trace; resolves when it accepts connections.
 *
 * Rejects when the port is taken, the address is not this machine's, or `perfettoUi` holds no Perfetto UI.
 */
export async function startViewer(options: ViewerOptions): Promise<Viewer> {
  const { trace, title, fileName, host = '127.0.0.1', port: wanted = 0 } = options;
  const token = randomBytes(16).toString('hex');
  const isOwnHost = ownHosts(host);
  let lastRequest = performance.now();
  const idleMs = () => performance.now() - lastRequest;
  const onRequest = () => {
    lastRequest = performance.now();
  };
  const { perfettoUi } = options;
  const customUi =
    perfettoUi === undefined ? undefined : await startCustomUi(perfettoUi, host, isOwnHost, onRequest);
  const subject = new Subject(trace, title, fileName, options.maxEvents ?? MAX_EVENTS_IN_VIEW);
  const files = servedFiles();
  const delivery = new Delivery(idleMs);
  const server = await listen(host, wanted, (port) =>
    createApp({
      guard: { isOwnHost, port, token },
      subject,
      files,
      customUiPort: customUi?.port,
      onRequest,
      delivery,
    }),
  ).catch(async (error: unknown) => {
    await customUi?.close();
    throw error;
  });
  const { port } = server;
  const urlOf = (path: string) => {
    const url = new URL(path, `http://${isWildcard(host) ? '127.0.0.1' : inUrl(host)}:${port}`);
    url.searchParams.set('token', token);
    return url.href;
  };
  const close = async () => {
    delivery.stop();
    subject.tables.stop();
    await Promise.all([server.close(), customUi?.close()]);
  };
  const prepare = async (onStep?: () => void) => {
    if (subject.isSmall) return;
    void subject.facts;
    for (const _ of subject.tables.preparations()) {
      onStep?.();
      await setImmediate();
    }
  };
  const untilShown = () => delivery.untilDone();
  return {
    url: urlOf('/'),
    port,
    token,
    urlOf,
    idleMs,
    untilShown,
    prepare,
    close,
    [Symbol.asyncDispose]: close,
  };
}
