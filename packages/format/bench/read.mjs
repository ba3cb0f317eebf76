// Reads a large Chrome JSON into columns, beside JSON.parse of a file that it can take. `npm run build` first.
// node packages/format/bench/read.mjs [megabytes=500] [--json]

import { once } from 'node:events';
import { createReadStream, createWriteStream, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTrace } from '../dist/index.js';

const asJson = process.argv.includes('--json');
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
const rows = [];
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
  const speed = file.bytes / 1e6 / read.seconds;
  await writeFile(path, Math.min(megabytes, PARSE_MEGABYTES) * 1e6);
  const parse = await measure(async () => JSON.parse(readFileSync(path, 'utf8')).length);
  const parseBytes = Math.min(megabytes, PARSE_MEGABYTES);
  const floor = parseBytes / parse.seconds;
  rows.push(
    { name: 'read JSON into columns', value: speed, unit: 'MB/s', floor, ratio: speed / floor },
    { name: 'read JSON into columns', value: file.events / read.seconds / 1e6, unit: 'M events/s' },
    { name: `peak RSS, ${megabytes} MB file`, value: read.peak / 1e6, unit: 'MB' },
    { name: `JSON.parse, ${parseBytes} MB file`, value: floor, unit: 'MB/s' },
    { name: `peak RSS, JSON.parse, ${parseBytes} MB file`, value: parse.peak / 1e6, unit: 'MB' },
  );
} finally {
  rmSync(path, { force: true });
}

for (const row of rows) {
  if (asJson) console.log(JSON.stringify(row));
  else {
    const ratio = row.ratio === undefined ? '' : `  ${row.ratio.toFixed(2)} x JSON.parse`;
    console.log(`${row.name.padEnd(40)} ${row.value.toFixed(1).padStart(8)} ${row.unit}${ratio}`);
  }
}
