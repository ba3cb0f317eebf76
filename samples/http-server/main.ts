/**
 * An HTTP server over a pool of database connections, under load: 1,000 requests over 50 connections with one database connection,
 * the same with a few, then five seconds at a steady rate.
 *
 * A query takes some milliseconds of the thread that runs it, so each connection is a worker, and fifty requests at once wait for
 * one. What to see in the timeline: each request is a task with its `get connection` and `query`; with one connection the first is
 * nearly all of it, with more it is shorter. Each phase is a task too; a file of the flight recorder has a slow moment.
 *
 *   npm run sample http-server        records samples/out/http-server.json and prints its summary
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { trace } from '@ttrace/sdk';
import { createPool, type Pool } from 'generic-pool';
import { Connection, fillDatabase } from './connection.ts';
import { burst, type Result, steady } from './load.ts';

const stats = { total: 0, successful: 0, failed: 0, millis: 0 };

async function answerData(pool: Pool<Connection>, response: ServerResponse): Promise<void> {
  const start = performance.now();
  stats.total++;
  try {
    const connection = await trace.withRegion('get connection', () => pool.acquire());
    try {
      const rows = await trace.withRegion('query', () => connection.query(`Item 1${stats.total % 10}%`));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ status: 'success', results: rows }));
      stats.successful++;
    } finally {
      await pool.release(connection);
    }
  } catch (error) {
    stats.failed++;
    response.statusCode = 500;
    response.end(JSON.stringify({ status: 'error', message: String(error) }));
  }
  stats.millis += performance.now() - start;
}

function answerStats(response: ServerResponse): void {
  const { millis, ...counts } = stats;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ ...counts, averageMs: stats.total === 0 ? 0 : millis / stats.total }));
}

async function listen(pool: Pool<Connection>): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/api/data') void answerData(pool, response);
    else if (request.url === '/stats') answerStats(response);
    else response.writeHead(404).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

/** Takes no more requests, and waits for those that are being answered; then for the connections. */
async function stop(server: Server, pool: Pool<Connection>): Promise<void> {
  await once(server.close(), 'close');
  await pool.drain();
  await pool.clear();
}

/** Serves with so many connections while `run` makes its load. */
async function phase(
  database: string,
  max: number,
  runs: Record<string, (url: string) => Promise<Result>>,
): Promise<Result[]> {
  Object.assign(stats, { total: 0, successful: 0, failed: 0, millis: 0 });
  const pool = createPool(
    { create: () => Connection.open(database), destroy: (connection) => connection.close() },
    { min: max, max },
  );
  await pool.ready();
  const server = await listen(pool);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const results: Result[] = [];
  for (const [name, run] of Object.entries(runs)) {
    const result = await trace.withTask(name, { connections: max }, () => run(`${url}/api/data`));
    console.log(
      `${name}: ${result.ok} answers in ${result.meanMillis.toFixed(1)} ms, p99 ${result.p99Millis} ms`,
    );
    results.push(result);
  }
  console.log(`/stats: ${await (await fetch(`${url}/stats`)).text()}`);
  await stop(server, pool);
  return results;
}

async function main(): Promise<void> {
  const file = process.argv[2] ?? fileURLToPath(new URL('../../out/http-server.json', import.meta.url));
  const directory = mkdtempSync(join(tmpdir(), 'ttrace-http-server-'));
  const database = join(directory, 'items.db');
  mkdirSync(dirname(file), { recursive: true });
  fillDatabase(database);
  await trace.start({ file });
  const recorder = new trace.FlightRecorder({
    directory: dirname(file),
    triggers: 'task:GET /api/data>100ms',
  });
  await recorder.start();
  const many = Math.min(4, Math.max(2, availableParallelism()));
  const [slow] = await phase(database, 1, { 'one connection': burst });
  const [fast] = await phase(database, many, { [`${many} connections`]: burst, 'steady rate': steady });
  console.log(`speed-up: ${(slow!.meanMillis / fast!.meanMillis).toFixed(2)} x`);
  await recorder.writeTo(file.replace(/(\.json)?$/, '-flight.json.gz'));
  await recorder.stop();
  const report = await trace.stop();
  console.log(`${report?.events} events in ${report?.file}`);
  rmSync(directory, { recursive: true });
}

await main();
