/**
 * The thread that serves. It has everything that it needs without the main thread: the inspector's connection to all threads, and a port to
 * the recorder. So it answers while the main thread is blocked, and the main thread does nothing for it.
 */
import { writeSync } from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { Served } from './endpoints.ts';
import { HeapSampling } from './heap-sampling.ts';
import { createDebugHttpServer } from './http-server.ts';
import { InspectedThreads } from './inspected-threads.ts';
import { PendingStacks } from './pending-stacks.ts';
import { RecorderClient } from './recorder-client.ts';
import type { ThreadData, ThreadNews, ThreadOrder } from './thread-protocol.ts';
import { removeTemporaryFiles } from './trace-capture.ts';

const data = workerData as ThreadData;
const { options, recorder, life, isLoud } = data;
const closing = new AbortController();

// A mistake in here must not reach the program.
process.on('uncaughtException', (error) => say(`the debug server failed, and goes on: ${error.message}`));

const served = serve();
const server = createDebugHttpServer(served, options, closing.signal);
parentPort!.on('message', (order: ThreadOrder) => {
  if (order === 'exit') letGo();
  else if (order === 'end') parentPort!.close();
  else void close();
});
server.once('error', (error: NodeJS.ErrnoException) => fail(listenReason(error)));
server.listen({ port: options.port, host: options.host }, () => {
  const url = addressOf(server);
  server.on('error', () => {});
  if (isLoud) say(`debug server: ${url}`);
  tell({ kind: 'listening', url });
});

function serve(): Served {
  const collector = typeof recorder === 'string' ? [] : [recorder.collectorThreadId];
  let { noInspector } = data;
  let threads: InspectedThreads | undefined;
  if (noInspector === undefined) {
    try {
      threads = new InspectedThreads(collector);
    } catch (error) {
      noInspector = (error as Error).message;
    }
  }
  return {
    threads,
    noInspector,
    pending: threads !== undefined && options.pendingStacks ? new PendingStacks(threads) : undefined,
    heap: threads !== undefined && options.heap ? new HeapSampling(threads) : undefined,
    recorder: new RecorderClient(typeof recorder === 'string' ? recorder : recorder.port),
    isCovered: data.isCovered,
    cpuTimeModule: data.cpuTimeModule,
    program: data.program,
    commandLine: data.commandLine,
    maxSeconds: options.maxSeconds,
  };
}

/** The process ends: Node.js would say that it waits for the debugger. */
function letGo(): void {
  served.threads?.close();
  removeTemporaryFiles();
  const flag = new Int32Array(life);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
}

async function close(): Promise<void> {
  closing.abort();
  server.close();
  server.closeAllConnections();
  // Captures end, and say so to the threads.
  await nextTurn();
  await served.pending?.close();
  await served.heap?.close();
  await served.threads?.settle();
  letGo();
  served.recorder.close();
  // The main thread says when to end: its side of the inspector session must be closed before, or Node.js aborts the process.
  tell({ kind: 'closed' });
}

function fail(message: string): void {
  if (isLoud) say(`no debug server: ${message}`);
  tell({ kind: 'failed', message });
}

function listenReason(error: NodeJS.ErrnoException): string {
  const { host, port } = options;
  const where = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  if (error.code === 'EADDRINUSE') return `${where} is taken: choose another port, or 0 for any`;
  if (error.code === 'EACCES') return `${where} is not permitted: choose a port from 1024 on`;
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return `${host} is no address of this machine`;
  return `cannot listen on ${where}: ${error.message}`;
}

function addressOf(listening: Server): string {
  const { address, port } = listening.address() as AddressInfo;
  return `http://${isIPv6(address) ? `[${address}]` : address}:${port}/debug/pprof/`;
}

function tell(news: ThreadNews): void {
  parentPort!.postMessage(news);
}

function say(text: string): void {
  try {
    writeSync(2, `ttrace: ${text}\n`);
  } catch {
    // No stderr left.
  }
}
