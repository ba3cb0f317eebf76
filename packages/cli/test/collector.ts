/** The real OpenTelemetry Collector of OTELCOL_BIN, on a free port, writing what it takes as JSON, one request a line. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** Path of the collector; '' = none. */
export const OTELCOL: string = process.env.OTELCOL_BIN ?? '';
if (OTELCOL === '') console.warn('skipped: OTELCOL_BIN is not set');

/** A span as the collector writes it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly {
    readonly key: string;
    readonly value: Readonly<Record<string, unknown>>;
  }[];
  readonly events?: readonly { readonly name: string; readonly timeUnixNano: string }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

/** Name of a span that is no program's. */
const PROBE = 'probe';

/** A collector that runs. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  /** All spans that have come, in order. */
  readonly spans: () => CollectedSpan[];
  /** The lines as they stand in its file. */
  readonly text: () => string;
}

/** Starts a collector. @param isBusy whether it refuses all for lack of memory. */
export async function startCollector(file: (name: string) => string, isBusy = false): Promise<Collector> {
  const port = await freePort();
  const out = file(`otelcol-${port}.jsonl`);
  const config = file(`otelcol-${port}.yaml`);
  const limiter = 'memory_limiter: { check_interval: 100ms, limit_mib: 1, spike_limit_mib: 0 }';
  writeFileSync(
    config,
    `receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:${port}" } } }
processors:
  ${isBusy ? limiter : 'batch/unused: {}'}
exporters:
  jsonfile: { path: "\${env:OTELCOL_OUT}" }
service:
  telemetry: { metrics: { level: none }, logs: { level: error } }
  pipelines:
    traces: { receivers: [otlp], processors: [${isBusy ? 'memory_limiter' : ''}], exporters: [jsonfile] }
`,
  );
  const env = { ...process.env, OTELCOL_OUT: out };
  const child = spawn(OTELCOL, ['--config', config], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  while (!(await isListening(port))) {
    if (child.exitCode !== null) throw new Error(`the collector ended with ${child.exitCode}`);
    await pause(50);
  }
  // It looks at its memory now and then: until it has, it takes what comes.
  while (isBusy && (await statusOf(port, PROBE)) === 200) await pause(50);
  const text = (): string => (existsSync(out) ? readFileSync(out, 'utf8') : '');
  return {
    url: `http://127.0.0.1:${port}`,
    text,
    spans: () => spansIn(text()).filter(({ name }) => name !== PROBE),
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await ended;
    },
  };
}

/** What a collector answers to one span of this name. */
async function statusOf(port: number, name: string): Promise<number> {
  const span = { traceId: '1'.repeat(32), spanId: '1'.repeat(16), name };
  const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`http://127.0.0.1:${port}/v1/traces`, { method: 'POST', headers, body })).status;
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function spansIn(text: string): CollectedSpan[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.flatMap((line) =>
    (
      JSON.parse(line) as { resourceSpans: { scopeSpans: { spans: CollectedSpan[] }[] }[] }
    ).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
  );
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
