/**
 * In a window of 1280 pixels the columns that say what is wrong are seen without scrolling, also where names and places are long and
 * durations reach from microseconds to seconds.
 */
import { readTextTrace, TEXT_MAGIC } from '@ttrace/format';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, noBrowser, openPage, screenshot } from './browser-test-kit.ts';
import { startViewer, type Viewer } from './start-viewer.ts';

/** Seconds as the text form has them. */
const s = (millis: number): string => (millis / 1e3).toFixed(9);
const LENGTHS = [0.002, 0.03, 0.4, 5, 60, 700];
const BLOCK = JSON.stringify({
  blocked: true,
  task: 1,
  region: 'write the ledger',
  location: '/srv/shop/services/settlement/password-hashing.js:128',
  stack: ['hashPassword (/srv/shop/services/settlement/password-hashing.js:128:11)', 'answer (b.js:2:1)'],
});

const PROGRAM = [
  TEXT_MAGIC,
  'process 1 "node shop.js"',
  'track 1/1 thread "main"',
  'track 1/2 thread "worker 12 settlement"',
  'track m async 1 loop "0x1" "main event loop"',
  'track w async 1 loop "0x2" "worker 12 settlement event loop"',
  ...LENGTHS.flatMap((length, at) => [
    `track t${at} async 1 task "0x${at + 1}" "POST /orders/:id"`,
    `slice t${at} +${s(at * 800)} ${s(length)} task "POST /orders/:id" {"task":${at + 1},"method":"POST","url":"/orders/${at}","customer":"somebody ${at}"}`,
    `slice 1/1 +${s(at * 800)} ${s(length)} region "write the ledger" {"task":${at + 1}}`,
    `slice 1/1 +${s(at * 800 + 720)} ${s(length / 10)} gc "GC minor"`,
    `slice 1/2 +${s(at * 800)} ${s(length)} wait "lock accounts wait"`,
    `track h${at} async 1 region "0x${at + 100}" "lock accounts"`,
    `slice h${at} +${s(at * 800)} ${s(length)} region "lock accounts" {"task":${at + 1}}`,
    `slice m +${s(at * 800)} ${s(40 + length)} loop "hashPassword password-hashing.js:128 → pbkdf2Sync" ${BLOCK}`,
    `slice 1/1 +${s(at * 800 + 790)} ${s(0.5)} region "write the ledger" {"task":${at + 1}}`,
    `slice 1/1 +${s(at * 800 + 795)} ${s(0.001)} message "postMessage" {"task":${at + 1}}`,
    `flow-out 1/1 +${s(at * 800 + 795)} ${at + 1} flow "flow"`,
    `slice 1/2 +${s(at * 800 + 796 + length / 1e3)} ${s(0.001)} message "message"`,
    `flow-in 1/2 +${s(at * 800 + 796 + length / 1e3)} ${at + 1} flow "flow"`,
  ]),
].join('\n');

const DECISIVE: Readonly<Record<string, readonly string[]>> = {
  lint: ['Severity', 'What', 'What to do', 'Count', 'Costs'],
  threads: ['Thread', 'Busy', 'Running', 'Blocked loop', 'GC', 'Waiting (lock accounts wait)'],
  tasks: ['Task', 'Count', 'Total', 'p50', 'p99', 'Max'],
  'tasks/each': ['Task', 'Task id', 'Elapsed', 'Attributes'],
  regions: ['Region', 'Count', 'Total', 'p50', 'p99', 'Max'],
  'regions/each': ['Region', 'Total', 'Thread', 'Task id', 'Running', 'Blocked loop'],
  blockers: ['Blocked by', 'Count', 'Total', 'Max', 'Regularly', 'Where', 'Task'],
  'blockers/each': ['Blocked by', 'When', 'Elapsed', 'Where', 'Thread', 'Task', 'Task id'],
  gc: ['Thread', 'Kind', 'Count', 'Total', 'Of the thread', 'Max'],
  locks: ['Waited for', 'Contended', 'Held', 'Held by', 'Waited'],
  'locks/each': ['Wait', 'Elapsed', 'Thread'],
  messages: ['From', 'To', 'Count', 'Rate', 'Max queue', 'Handling', 'Latency max'],
  'messages/each': ['From', 'To', 'Latency', 'Handling', 'Task id'],
  'critical-path': ['Elapsed', 'Share', 'Kind', 'What', 'Thread'],
};

describe.skipIf(noBrowser !== '')('tables in a window of 1280 pixels', () => {
  let browser: Browser;
  let viewer: Viewer;
  beforeAll(async () => {
    const trace = readTextTrace(PROGRAM);
    browser = await launch();
    viewer = await startViewer({ trace, title: 'shop.json', fileName: 'shop.json' });
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.close();
  });

  it.each(Object.entries(DECISIVE))('%s shows what decides without scrolling', async (id, wanted) => {
    await using watched = await openPage(browser);
    await watched.page.goto(viewer.urlOf(`/${id}`));
    const seen = await watched.page.evaluate<string[]>(`(() => {
      const { right } = document.querySelector('.scroll').getBoundingClientRect();
      return [...document.querySelectorAll('.data thead th')]
        .filter((heading) => heading.getBoundingClientRect().right <= right)
        .map((heading) => heading.textContent.trim());
    })()`);
    await screenshot(watched.page, `columns-${id.replace('/', '-')}`, true);
    expect(seen).toEqual(expect.arrayContaining([...wanted]));
  });
});
