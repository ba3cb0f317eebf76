// Reads a large Chrome JSON into columns, beside JSON.parse of a file that it can take. `npm run build` first.
//
//   node packages/format/bench/read.mjs [megabytes=500] [--strict]

import { once } from 'node:events';
import { createReadStream, createWriteStream, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { print, row, times } from '@ttrace/bench';
import { createPerfettoWriter, readTrace, writeTrace } from '../dist/index.js';

const megabytes = Number(process.argv.slice(2).find((arg) => /^\d+$/.test(arg)) ?? 500);
/** The largest text that JSON.parse gets: strings end at half a gigabyte, and its objects take ten times the file. */
const PARSE_MEGABYTES = 100;

/** Writes slices of 20 names on 4 threads as ttrace, Chromium and simple tools write them; a tenth has arguments of its own. */
async function writeFile(path, size) {
  const out = createWriteStream(path, { highWaterMark: 1 << 20 });
  let at = 0;
  let events = 0;
  let text = '[\n';
  while (at < size) {
    for (let i = 0; i < 5000; i++, events++) {
      const args =
        events % 10 === 0 ? `,"args":{"task":${events}}` : events % 10 === 1 ? ',"args":{"size":17}' : '';
      const ts = (1507948892 + events * 1.234).toFixed(3);
      const dur = ((events % 977) / 1000).toFixed(3);
      text += `{"ph":"X","name":"region-${events % 20}","cat":"region","pid":12345,"tid":${12345 + (events % 4)},"ts":${ts},"dur":   ${dur}${args}},\n`;
    }
    at += text.length;
    if (!out.write(text)) await once(out, 'drain');
    text = '';
  }
  out.end('{"ph":"M","name":"process_name","pid":12345,"args":{"name":"bench"}}]\n');
  await once(out, 'finish');
  return { events, bytes: out.bytesWritten };
}

async function measure(run) {
  let peak = process.memoryUsage.rss();
  const sample = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const start = process.hrtime.bigint();
  const result = await run(sample);
  sample();
  return { result, seconds: Number(process.hrtime.bigint() - start) / 1e9, peak };
}

const path = join(tmpdir(), `ttrace-read-bench-${process.pid}.json`);
try {
  const file = await writeFile(path, megabytes * 1e6);
  const read = await measure((sample) => {
    let last = 0;
    return readTrace(createReadStream(path, { highWaterMark: 1 << 20 }), {
      onProgress: (bytes) => {
        if (bytes - last < 1 << 23) return;
        last = bytes;
        sample();
      },
    });
  });
  if (read.result.error !== undefined || read.result.length !== file.events) {
    throw new Error(`read ${read.result.length} of ${file.events} events: ${read.result.error}`);
  }
  let protobufBytes = 0;
  const write = await measure(async () =>
    writeTrace(
      read.result,
      createPerfettoWriter({
        sink: (bytes) => {
          protobufBytes += bytes.length;
        },
        origin: read.result.origin,
      }),
    ),
  );
  const parseMegabytes = Math.min(megabytes, PARSE_MEGABYTES);
  await writeFile(path, parseMegabytes * 1e6);
  const parse = await measure(async () => JSON.parse(readFileSync(path, 'utf8')).length);
  const size = file.bytes / 1e6;
  const speed = size / read.seconds;
  const converted = size / (read.seconds + write.seconds);
  const floor = parseMegabytes / parse.seconds;
  const beside = `${floor.toFixed(0)} MB/s JSON.parse of ${parseMegabytes} MB`;
  row(
    `read ${megabytes} MB of JSON`,
    `${speed.toFixed(0)} MB/s`,
    beside,
    times(speed / floor),
    '>= 150 MB/s',
    speed >= 150,
  );
  row('the same in events', `${(file.events / read.seconds / 1e6).toFixed(2)} M/s`);
  const peak = Math.max(read.peak, write.peak) / 1e6;
  row(
    'peak RSS',
    `${peak.toFixed(0)} MB`,
    `${(parse.peak / 1e6).toFixed(0)} MB JSON.parse`,
    '',
    '<= 1000 MB',
    peak <= 1000,
  );
  row(
    'convert it to protobuf',
    `${converted.toFixed(0)} MB/s`,
    beside,
    times(converted / floor),
    '>= 100 MB/s',
    converted >= 100,
  );
  row('protobuf bytes an event', (protobufBytes / file.events).toFixed(1));
} finally {
  rmSync(path, { force: true });
}
print(`Reading, Node ${process.version}`);
