/** Recordings that another process has attached: what it is told over the socket, who takes part, and what is left behind. */
import { expect, test } from 'vitest';
import { isComplete, readEvents, runProgram, threadNames } from './program.ts';

const MODULE = new URL('../dist/attach/attached-process.js', import.meta.url).href;

/** The command: listens in a thread of its own, asks for an end when it is told to, and hands on what it is told. */
const COMMAND = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:net').createServer((socket) => {
    socket.setEncoding('utf8').on('data', (text) => parentPort.postMessage(text));
    socket.on('close', () => parentPort.postMessage('closed'));
    const ask = () => socket.write('stop\\n');
    if (workerData.isHasty) setTimeout(ask, 500);
    parentPort.on('message', (word) => (word === 'stop' ? ask() : socket.destroy()));
  }).listen(workerData.socket, () => parentPort.postMessage('listens'));`;

const PROGRAM = `
  import { readFileSync, existsSync } from 'node:fs';
  import { once } from 'node:events';
  import workerThreads from 'node:worker_threads';
  const symbols = () => Object.getOwnPropertySymbols(globalThis).filter((key) => String(key).includes('ttrace')).length;
  const own = workerThreads.Worker;
  const socket = (name) => file + '.' + name;
  const command = async (name, isHasty = false) => {
    const made = new own(${JSON.stringify(COMMAND)}, { eval: true, workerData: { socket: socket(name), isHasty }, name: 'command' });
    const said = [];
    made.on('message', (text) => said.push(text));
    await once(made, 'message');
    made.until = async (word) => { while (!said.some((text) => text.includes(word))) await once(made, 'message'); return said; };
    return made;
  };
  new own('setInterval(() => {}, 50)', { eval: true, name: 'old' });
  new own('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)', { eval: true, name: 'waiting' });
  await new Promise((done) => setTimeout(done, 100));

  const calm = await command('calm');
  const { attachProcess } = await import(${JSON.stringify(MODULE)});
  attachProcess({ file, socket: socket('calm'), sources: 'none,loop' });
  await calm.until('workers');
  new own('setInterval(() => {}, 50)', { eval: true, name: 'late' });
  while (!readFileSync(file, 'utf8').includes(' late')) await new Promise((done) => setTimeout(done, 20));
  calm.postMessage('stop');
  const said = await calm.until('closed');
  while (symbols() > 0) await new Promise((done) => setTimeout(done, 10));
  console.log(JSON.stringify({ said: said.slice(1, 3).map(JSON.parse), isOwn: workerThreads.Worker === own, emit: Object.hasOwn(process, 'emit') }));

  const hasty = await command('hasty', true);
  const blocked = file.replace('.json', '-blocked.json');
  attachProcess({ file: blocked, socket: socket('hasty'), sources: 'none,loop' });
  for (let text = ''; !text.endsWith('\\n]\\n'); ) text = existsSync(blocked) ? readFileSync(blocked, 'utf8') : '';
  await hasty.until('blocked');
  while (symbols() > 0) await new Promise((done) => setTimeout(done, 10));
  console.log(workerThreads.Worker === own && !Object.hasOwn(process, 'emit'));

  const gone = await command('gone');
  const last = file.replace('.json', '-gone.json');
  attachProcess({ file: last, socket: socket('gone'), sources: 'none' });
  await gone.until('workers');
  gone.postMessage('hang up');
  while (symbols() > 0) await new Promise((done) => setTimeout(done, 10));
  process.exit();`;

test('all threads are recorded until the command says stop or is gone, also while main is blocked; nothing stays', async () => {
  const { code, stdout, stderr, file } = await runProgram(PROGRAM);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [first, second] = stdout.trim().split('\n');
  expect(JSON.parse(first!)).toMatchObject({
    said: [
      { workers: expect.arrayContaining(['worker 1 old', 'worker 2 waiting']) as string[], missed: [] },
      { cause: 'stop', dropped: 0, refusedThreads: 0 },
    ],
    isOwn: true,
    emit: false,
  });
  expect(second).toBe('true');
  const names = [...threadNames(readEvents(file)).values()].map((name) => name.replace(/ \d+/, ''));
  expect(names).toEqual(expect.arrayContaining(['main', 'worker old', 'worker waiting', 'worker late']));
  for (const each of [file, file.replace('.json', '-blocked.json'), file.replace('.json', '-gone.json')]) {
    expect(isComplete(each)).toBe(true);
  }
});
