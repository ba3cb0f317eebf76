/** Load from another process: autocannon, what `hey` is to the seed's program. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

const AUTOCANNON = createRequire(import.meta.url).resolve('autocannon');

export interface Result {
  /** Answers with a status of 2xx, and others or none. */
  readonly ok: number;
  readonly failed: number;
  /** Time from request to answer. */
  readonly meanMillis: number;
  readonly p99Millis: number;
}

/** Until a request is given up: on a busy machine fifty of them are in front of it for long. */
const PATIENCE_SECONDS = '60';

/** @param options of autocannon's command line: `-c` connections, `-a` requests in all, `-d` seconds, `-R` requests a second. */
async function load(url: string, options: readonly string[]): Promise<Result> {
  const args = [AUTOCANNON, '--json', '--no-progress', '-t', PATIENCE_SECONDS, ...options, url];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const result = JSON.parse(stdout) as Record<string, number> & { latency: { average: number; p99: number } };
  return {
    ok: result['2xx']!,
    failed: result.non2xx! + result.errors! + result.timeouts!,
    meanMillis: result.latency.average,
    p99Millis: result.latency.p99,
  };
}

/** A thousand requests over fifty connections. */
export const burst = (url: string): Promise<Result> => load(url, ['-c', '50', '-a', '1000']);

/** Five seconds at a rate that is no load. */
export const steady = (url: string): Promise<Result> => load(url, ['-c', '10', '-d', '5', '-R', '100']);
