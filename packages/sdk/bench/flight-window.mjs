// The flight recorder's window: what a row costs beside the writers, whether memory stays flat, how long a snapshot takes.
//
//   node packages/sdk/bench/flight-window.mjs [--strict]
import { print, row } from '@ttrace/bench';
import { createJsonWriter, createPerfettoWriter } from '@ttrace/format';
import { createFlightWindow } from '../dist/flight/window.js';

const ROWS = 2_000_000;
const FLOOD_ROWS = 60_000_000;
const MAX_BYTES = 10 << 20;
const MIN_AGE = 10e9;

const sink = () => {};
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/** Threads and names as a recording has them: four threads with fifty names. */
function declare(writer) {
  const process = writer.process(1, 'node app.js');
  writer.metadata(process, 'ttrace_recording', '{"version":1}');
  const category = writer.string('region');
  const threads = Array.from({ length: 4 }, (_, i) => writer.thread(1, 1 + i, `thread ${i}`, i));
  const names = Array.from({ length: 50 }, (_, i) => writer.string(`region-${i}`));
  return { category, threads, names };
}

/** Regions of a few microseconds, thread by thread in rounds, as the collector writes them. */
function regions(writer, { category, threads, names }, rows, from) {
  const perRound = 1000;
  for (let i = 0; i < rows; i += perRound) {
    const thread = threads[(i / perRound) & 3];
    let time = from + (i >> 2) * 1000;
    for (let j = 0; j < perRound; j++) {
      writer.slice(thread, names[j % 50], category, time, 300 + (j & 255), j & 4 ? 17 : 0);
      time += 1000;
    }
  }
  return from + (rows >> 2) * 1000;
}

/** Tasks: a track, a begin and an end each, some at once. */
function tasks(writer, { names }, rows, from) {
  const category = writer.string('task');
  const open = [];
  let time = from;
  for (let i = 0; i < rows; i++) {
    time += 1000;
    const track = writer.asyncTrack(1, 'task', `0x${i.toString(16)}`, 'request');
    writer.begin(track, names[0], category, time, i, '{"parent":1}');
    open.push(track);
    if (open.length < 20) continue;
    const first = open.shift();
    writer.end(first, time + 300);
    writer.release(first);
  }
  return time;
}

/** Interleaved rounds, so that all see the same machine. */
function compare(what, write, rows, target) {
  const makers = {
    window: () => createFlightWindow({ minAgeNanos: MIN_AGE, maxBytes: MAX_BYTES }),
    json: () => createJsonWriter({ sink }),
    perfetto: () => createPerfettoWriter({ sink }),
  };
  const found = { window: [], json: [], perfetto: [] };
  for (let round = 0; round < 7; round++) {
    for (const [name, make] of Object.entries(makers)) {
      const writer = make();
      const declared = declare(writer);
      const time = write(writer, declared, rows / 10, 0);
      const start = performance.now();
      write(writer, declared, rows, time);
      found[name].push(((performance.now() - start) * 1e6) / rows);
    }
  }
  const [window, json, perfetto] = [median(found.window), median(found.json), median(found.perfetto)];
  const text = (value) => `${value.toFixed(1)} ns`;
  row(
    `${what} into the window`,
    `${text(window)}, ${(1e3 / window).toFixed(1)} M/s`,
    `Perfetto ${text(perfetto)}`,
    (window / perfetto).toFixed(2),
    target,
    window < perfetto,
  );
  row('', '', `JSON ${text(json)}`, (window / json).toFixed(2));
}

function flood() {
  const window = createFlightWindow({ minAgeNanos: MIN_AGE, maxBytes: MAX_BYTES });
  const declared = declare(window);
  let time = regions(window, declared, 2_000_000, 0);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let highest = before;
  const start = performance.now();
  for (let rows = 0; rows < FLOOD_ROWS; rows += 1_000_000) {
    time = regions(window, declared, 900_000, time);
    time = tasks(window, declared, 25_000, time);
    highest = Math.max(highest, process.memoryUsage.rss());
  }
  const seconds = (performance.now() - start) / 1000;
  const { rows, droppedRows, allocated } = window.use;
  const growth = (highest - before) / 1e6;
  row(
    `RSS growth under ${((rows + droppedRows) / 1e6).toFixed(0)} M rows in ${seconds.toFixed(1)} s`,
    `${growth.toFixed(1)} MB`,
    `${(allocated / 1e6).toFixed(1)} MB allocated`,
    '',
    '<= 16 MB',
    growth <= 16,
  );
  return { window, time };
}

function snapshots({ window }) {
  const { rows, bytes } = window.use;
  row('a full window', `${rows} rows`, `${(bytes / rows).toFixed(1)} bytes a row`);
  for (const [name, make] of [
    ['JSON', createJsonWriter],
    ['Perfetto', createPerfettoWriter],
  ]) {
    const took = [];
    let written = 0;
    for (let i = 0; i < 5; i++) {
      written = 0;
      const start = performance.now();
      const writer = make({
        sink: (chunk) => {
          written += chunk.length;
        },
      });
      window.snapshot(writer);
      writer.finish();
      took.push(performance.now() - start);
    }
    row(`snapshot as ${name}`, `${median(took).toFixed(0)} ms`, `${(written / 1e6).toFixed(0)} MB`);
  }
}

compare('a region', regions, ROWS, '< 1 of Perfetto');
compare('a task', tasks, ROWS / 10, '< 1 of Perfetto');
snapshots(flood());
print(`Flight window, Node ${process.version}`);
