// Reads one recording plain, in gzip and as compressed protobuf, each compressed one by this package's own decoder and by
// node:zlib in the same run. `npm run build` first.
//
//   node packages/format/bench/gzip.mjs [megabytes=100] [--strict]

import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGunzip, createGzip, deflateSync, inflateRawSync } from 'node:zlib';
import { print, row, times } from '@ttrace/bench';
import { createJsonWriter, createPerfettoWriter, readTrace } from '../dist/index.js';

const megabytes = Number(process.argv.slice(2).find((arg) => /^\d+$/.test(arg)) ?? 100);
/** Each way is measured this often, in turns; the best counts. */
const ROUNDS = 3;
const CHUNK_BYTES = 1 << 20;

/** Writes slices of 20 names on 4 threads, a tenth with arguments of their own. */
function record(create, megabytes) {
  let bytes = 0;
  const chunks = [];
  const writer = create((chunk) => {
    bytes += chunk.length;
    chunks.push(chunk.slice());
  });
  writer.process(1, 'bench');
  const threads = [1, 2, 3, 4].map((tid) => writer.thread(1, tid, `thread ${tid}`));
  const names = Array.from({ length: 20 }, (_, i) => writer.string(`region-${i}`));
  const region = writer.string('region');
  let events = 0;
  for (let at = 0; at < megabytes * 1e6; at += 110, events++) {
    const args = events % 10 === 0 ? `{"size":${events}}` : '';
    const start = Math.floor(events * 1234.5 + (Math.imul(events, 2654435761) >>> 24));
    writer.slice(
      threads[events % 4],
      names[(Math.imul(events, 40503) % 20) >>> 0] ?? names[0],
      region,
      start,
      (events * 7919) % 977_000,
      0,
      args,
    );
    if (events % 2000 === 0) writer.flush();
  }
  writer.finish();
  return { chunks, bytes, events };
}

async function save(path, chunks, transform) {
  const out = createWriteStream(path);
  const target = transform ?? out;
  const closed = new Promise((resolve, reject) => out.once('close', resolve).once('error', reject));
  if (transform !== undefined) transform.pipe(out);
  for (const chunk of chunks)
    if (!target.write(chunk)) await new Promise((resolve) => target.once('drain', resolve));
  target.end();
  await closed;
}

async function seconds(run, events) {
  const start = process.hrtime.bigint();
  const trace = await run();
  const taken = Number(process.hrtime.bigint() - start) / 1e9;
  if (trace.error !== undefined || trace.skipped.size > 0 || trace.length !== events) {
    throw new Error(`read ${trace.length} of ${events} events: ${trace.error} ${[...trace.skipped]}`);
  }
  return taken;
}

const file = (extension) => join(tmpdir(), `ttrace-gzip-bench-${process.pid}.${extension}`);
const open = (path) => createReadStream(path, { highWaterMark: CHUNK_BYTES });
const inflate = (bytes) => inflateRawSync(bytes.subarray(2));

try {
  const json = record((sink) => createJsonWriter({ sink }), megabytes);
  await save(file('json'), json.chunks);
  await save(file('json.gz'), json.chunks, createGzip());
  const packets = record(
    (sink) => createPerfettoWriter({ sink, compress: (bytes) => deflateSync(bytes, { level: 1 }) }),
    megabytes,
  );
  await save(file('pftrace'), packets.chunks);
  const ways = {
    plain: () => readTrace(open(file('json'))),
    'gzip, own': () => readTrace(open(file('json.gz'))),
    'gzip, node:zlib': () => readTrace(open(file('json.gz')).pipe(createGunzip({ chunkSize: 1 << 18 }))),
    'packets, own': () => readTrace(open(file('pftrace'))),
    'packets, node:zlib': () => readTrace(open(file('pftrace')), { inflate }),
  };
  const best = Object.fromEntries(Object.keys(ways).map((way) => [way, Infinity]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [way, run] of Object.entries(ways))
      best[way] = Math.min(best[way], await seconds(run, json.events));
  }
  const speed = (way) => `${(json.bytes / 1e6 / best[way]).toFixed(0)} MB/s`;
  row(`${megabytes} MB of JSON, plain`, speed('plain'));
  row(
    'in gzip, own decoder',
    speed('gzip, own'),
    `${speed('plain')} plain`,
    times(best.plain / best['gzip, own']),
  );
  const zlibRatio = best['gzip, own'] / best['gzip, node:zlib'];
  row(
    'in gzip, node:zlib',
    speed('gzip, node:zlib'),
    `${speed('gzip, own')} own`,
    times(zlibRatio),
    '>= 1.2 x',
    zlibRatio >= 1.2,
  );
  const million = (way) => `${(packets.events / best[way] / 1e6).toFixed(2)} M events/s`;
  const packetRatio = best['packets, own'] / best['packets, node:zlib'];
  row('compressed packets, own decoder', million('packets, own'));
  row(
    'compressed packets, node:zlib',
    million('packets, node:zlib'),
    million('packets, own'),
    times(packetRatio),
    '>= 1.0 x',
    packetRatio >= 1,
  );
} finally {
  for (const extension of ['json', 'json.gz', 'pftrace']) rmSync(file(extension), { force: true });
}
print(`Compressed traces, Node ${process.version}`);
