// Loads traces of 10 thousand, 1 million and 10 million events and asks the viewer for its pages: what must not grow faster than the trace.
// Beside it what Perfetto's own engine (wasm, v20.1) takes to load the same file, where Node.js can run TypeScript (22.18 and newer) and the
// engine's memory holds it. And what memory the process takes that shows them: Go's viewer took what a trace had, several times (D10).
// `npm run build` first.
//
//   node --max-old-space-size=8000 viewer/bench/home.mjs [events …]

import { once } from 'node:events';
import { createReadStream, createWriteStream, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { print, row, times } from '@ttrace/bench';
import { readTrace } from '@ttrace/format';
import { startViewer } from '../dist/index.js';

const sizes = process.argv.slice(2).map(Number);
if (sizes.length === 0) sizes.push(10_000, 1_000_000, 10_000_000);
/** Larger ones do not fit into the engine's memory. */
const MAX_ENGINE_EVENTS = 2_000_000;
const PAGES = [
  '/',
  '/threads',
  '/tasks',
  '/tasks/each',
  '/tasks/each?name=job',
  '/regions',
  '/regions/each?min=4us',
  '/blockers',
  '/turns',
  '/locks',
  '/messages',
  '/lint',
  '/critical-path',
  '/utilization',
];

/** Requests on eight threads as the recorder writes them: a task, regions, a message, now and then a turn and a block. */
async function writeFile(path, events) {
  const out = createWriteStream(path, { highWaterMark: 1 << 20 });
  let text = '[\n';
  for (let tid = 1; tid <= 8; tid++)
    text += `{"ph":"M","name":"thread_name","pid":1,"tid":${tid},"args":{"name":"thread ${tid}"}},\n`;
  for (let id = 1, written = 0; written < events; id++) {
    const tid = 1 + (id % 8);
    const at = 1000 + Math.floor(id / 8) * 100 + (id % 8);
    const x = (name, cat, from, length, thread = tid, args = `{"task":${id}}`) =>
      `{"ph":"X","name":"${name}","cat":"${cat}","pid":1,"tid":${thread},"ts":${(at + from).toFixed(3)},"dur":${length.toFixed(3)},"args":${args}},\n`;
    const task = `"name":"${['GET /', 'POST /order', 'job'][id % 3]}","cat":"task","id2":{"local":"0x${id.toString(16)}"},"pid":1,"tid":1`;
    text += `{"ph":"b",${task},"ts":${at},"args":{"task":${id}}},\n{"ph":"e",${task},"ts":${at + 90 + (id % 97)}},\n`;
    for (let i = 0; i < 14; i++) text += x(`step ${(id + i) % 50}`, 'region', 1 + i * 5, 4);
    text += x('lock stock wait', 'wait', 75, 3) + x('postMessage', 'message', 80, 0.5);
    text += `{"ph":"s","name":"flow","cat":"flow","id":"0x${id.toString(16)}","pid":1,"tid":${tid},"ts":${at + 80},"bp":"e"},\n`;
    text += x('message', 'message', 96, 0.7, 1 + ((id + 1) % 8), '{}');
    text += `{"ph":"f","name":"flow","cat":"flow","id":"0x${id.toString(16)}","pid":1,"tid":${1 + ((id + 1) % 8)},"ts":${at + 96},"bp":"e"},\n`;
    written += 20;
    if (text.length < 1 << 19) continue;
    if (!out.write(text)) await once(out, 'drain');
    text = '';
  }
  out.end(`${text}{"ph":"M","name":"process_name","pid":1,"args":{"name":"bench"}}]\n`);
  await once(out, 'finish');
}

/** Processor time of this process, all threads: what others do meanwhile does not count. */
async function measure(run) {
  const start = process.cpuUsage();
  const result = await run();
  const { user, system } = process.cpuUsage(start);
  return { result, seconds: (user + system) / 1e6 };
}

const engine = new URL('../../packages/format/test-engine/trace-processor.ts', import.meta.url).href;
const { TraceProcessor } = await import(engine).catch(() => ({}));
const figures = new Map();
const note = (what, seconds) => figures.set(what, [...(figures.get(what) ?? []), seconds]);
const megabytes = [];
const memory = [];

for (const events of sizes) {
  const path = join(tmpdir(), `ttrace-home-bench-${process.pid}.json`);
  try {
    await writeFile(path, events);
    megabytes.push(statSync(path).size / 1e6);
    const load = await measure(() => readTrace(createReadStream(path, { highWaterMark: 1 << 20 })));
    note('load', load.seconds);
    const viewer = await startViewer({ trace: load.result, title: 'bench', fileName: 'bench.json' });
    try {
      const headers = { cookie: await cookieOf(viewer) };
      const get = async (page) => {
        const answer = await fetch(`http://127.0.0.1:${viewer.port}${page}`, { headers });
        const text = await answer.text();
        if (answer.status !== 200 && answer.status !== 404)
          throw new Error(`${page}: ${answer.status} ${text.slice(0, 200)}`);
        return answer.status;
      };
      note('prepare the pages', (await measure(() => viewer.prepare())).seconds);
      // At once, while the tables are made behind the pages: what a user waits for at worst.
      for (const page of PAGES) {
        const { result, seconds } = await measure(() => get(page));
        if (result === 200) note(`page ${page}`, seconds);
      }
      // Before Perfetto's engine is loaded, which is not part of the viewer.
      memory.push(process.memoryUsage().rss);
    } finally {
      await viewer.close();
    }
    if (TraceProcessor === undefined || events > MAX_ENGINE_EVENTS)
      note('Perfetto loads the file', Number.NaN);
    else {
      const bytes = readFileSync(path);
      const processor = await TraceProcessor.create();
      note('Perfetto loads the file', (await measure(() => processor.load(bytes))).seconds);
    }
  } finally {
    rmSync(path, { force: true });
  }
}

async function cookieOf(viewer) {
  const answer = await fetch(viewer.url, { redirect: 'manual' });
  await answer.text();
  return answer.headers.get('set-cookie').split(';', 1)[0];
}

const text = (seconds) => (seconds === undefined || Number.isNaN(seconds) ? '' : `${seconds.toFixed(3)} s`);
const last = sizes.length - 1;
row('file', `${megabytes[last].toFixed(0)} MB`, `${(megabytes[last - 1] ?? 0).toFixed(0)} MB`);
for (const [what, found] of figures) {
  const [before, here] = [found[last - 1], found[last]];
  const growth =
    before === undefined || Number.isNaN(here / before)
      ? ''
      : times(here / before / (sizes[last] / sizes[last - 1]));
  const isPage = what.startsWith('page ');
  row(what, text(here), text(before), growth, isPage ? '<= 1 s' : '', isPage ? here <= 1 : undefined);
}
row(
  'memory of the process',
  `${(memory[last] / 1e6).toFixed(0)} MB`,
  memory[last - 1] === undefined ? '' : `${(memory[last - 1] / 1e6).toFixed(0)} MB`,
  '',
  '<= 1500 MB',
  memory[last] <= 1.5e9,
);
print(`${sizes[last]} events, beside ${sizes[last - 1] ?? 'nothing'}; ratio: growth over that of the events`);
