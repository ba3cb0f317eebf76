// How many regions a second go through rings, collector, encoder and file without one being dropped, and that a flood is
// counted exactly. Each run is a process of its own (`flood.mjs`), so that memory is its own too.
//
//   node packages/sdk/bench/sustained.mjs [--strict]
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { print, row } from '@ttrace/bench';

const program = fileURLToPath(new URL('flood.mjs', import.meta.url));
const SECONDS = 5;

function record(extension, millionsPerSecond, seconds = SECONDS) {
  const file = join(tmpdir(), `ttrace-bench-${process.pid}${extension}`);
  const { stdout, status, stderr } = spawnSync(
    process.execPath,
    [program, file, String(millionsPerSecond), String(seconds)],
    { encoding: 'utf8' },
  );
  rmSync(file, { force: true });
  if (status !== 0) throw new Error(`flood.mjs ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Tries the target first, then up or down in steps, at most `tries` runs; returns the highest rate without a drop. */
function highest(extension, target, step, tries) {
  let rate = target;
  let best;
  let direction = 0;
  for (let i = 0; i < tries && rate > 0; i++) {
    const found = record(extension, rate);
    const isLossless = found.dropped === 0 && found.perSecond > rate * 0.98e6;
    if (isLossless && (best === undefined || found.perSecond > best.perSecond)) best = found;
    if (direction !== 0 && isLossless !== direction > 0) break;
    direction = isLossless ? 1 : -1;
    rate += direction * step;
  }
  return best;
}

/** Megabytes a second that the same disk takes from writes of a megabyte: the floor of any recorder. */
function diskSpeed() {
  const file = join(tmpdir(), `ttrace-bench-${process.pid}.raw`);
  const block = new Uint8Array(1 << 20).fill(65);
  const fd = openSync(file, 'w');
  const start = performance.now();
  let bytes = 0;
  while (performance.now() - start < 2000) bytes += writeSync(fd, block);
  closeSync(fd);
  rmSync(file);
  return bytes / 1e3 / (performance.now() - start);
}

const disk = diskSpeed();
const millions = (value) => `${(value / 1e6).toFixed(2)} M/s`;
for (const [extension, target, step, maxBytes] of [
  ['.json', 3, 0.5, undefined],
  ['.pftrace', 6, 1, 20],
]) {
  const best = highest(extension, target, step, 4);
  if (best === undefined) {
    row(`${extension}: lossless for ${SECONDS} s`, 'none found', '', '', `>= ${target} M/s`, false);
    continue;
  }
  const megabytes = (best.bytes * best.perSecond) / 1e6;
  row(
    `${extension}: lossless for ${SECONDS} s`,
    millions(best.perSecond),
    `${disk.toFixed(0)} MB/s raw writes`,
    `${megabytes.toFixed(0)} MB/s`,
    `>= ${target} M/s`,
    best.perSecond >= target * 0.98e6,
  );
  row(
    `${extension}: RSS growth`,
    `${best.rssMegabytes.toFixed(0)} MB`,
    '',
    '',
    '<= 64 MB',
    best.rssMegabytes <= 64,
  );
  row(
    `${extension}: bytes a region`,
    best.bytes.toFixed(1),
    '',
    '',
    maxBytes === undefined ? '' : `<= ${maxBytes}`,
    maxBytes === undefined ? undefined : best.bytes <= maxBytes,
  );
}
const gzip = record('.json.gz', 0.5, 2);
row('.json.gz: bytes a region', gzip.bytes.toFixed(1));
const flood = record('.json', 0, 4);
row(
  'flood of two threads: called',
  flood.called,
  `${flood.recorded} recorded`,
  `${flood.dropped} dropped`,
  'recorded + dropped = called',
  flood.recorded + flood.dropped === flood.called,
);
print(`Sustained, Node ${process.version}`);
