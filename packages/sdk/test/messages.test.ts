/** Queues of messages and broadcasts, on real threads; sources.test.ts has what every message shows. */
import { expect, test } from 'vitest';
import { named, readEvents, runProgram, type TraceEvent } from './program.ts';
import { expectSameBehaviour } from './same-behaviour.ts';

const IMPORTS = `import { Worker as W, BroadcastChannel, MessageChannel, receiveMessageOnPort } from 'node:worker_threads'; import { once } from 'node:events';
  const start = () => trace.start({ file, sources: { messages: true } });\n`;

/** What a counter said, in the order of time. */
const counted = (events: readonly TraceEvent[], name: string): number[] =>
  events
    .filter((event) => event.ph === 'C' && event.name === name)
    .sort((a, b) => a.ts - b.ts)
    .map(({ args }) => Number(args?.value));

test('messages that wait are counted for each direction of a channel, and none is left in the end', async () => {
  const { file } = await runProgram(
    `${IMPORTS}await start();
    const areSent = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(\`const { parentPort, workerData: areSent } = require('node:worker_threads');
      parentPort.on('message', (last) => { Atomics.wait(areSent, 0, 0);
        const end = performance.now() + 3; while (performance.now() < end); if (last) parentPort.postMessage(0); });\`, { eval: true, workerData: areSent });
    await once(worker, 'online');
    for (let i = 0; i < 30; i++) worker.postMessage(i === 29);
    Atomics.store(areSent, 0, 1); Atomics.notify(areSent, 0);
    await once(worker, 'message');
    await worker.terminate();
    await trace.stop();`,
  );
  const events = readEvents(file);
  const names = new Set(
    events.filter(({ ph, name }) => ph === 'C' && name?.includes('messages')).map(({ name }) => name),
  );
  expect([...names]).toEqual([expect.stringMatching(/^messages to worker \d+$/)]);
  const depths = counted(events, [...names][0]!);
  expect(Math.max(...depths)).toBeGreaterThan(20);
  expect(depths.at(-1)).toBe(0);
  // They only became fewer, once all were sent.
  const peak = depths.indexOf(Math.max(...depths));
  expect(depths.slice(peak)).toEqual(depths.slice(peak).sort((a, b) => b - a));
});

test('a port that is handed on keeps its count', async () => {
  const { file } = await runProgram(
    `${IMPORTS}await start();
    const { port1, port2 } = new MessageChannel();
    const areSent = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(\`const { parentPort, workerData: areSent } = require('node:worker_threads');
      parentPort.once('message', (port) => { Atomics.wait(areSent, 0, 0);
        let n = 0; port.on('message', () => { const end = performance.now() + 2; while (performance.now() < end); if (++n === 25) { port.close(); parentPort.postMessage(0); } }); });\`, { eval: true, workerData: areSent });
    for (let i = 0; i < 5; i++) port1.postMessage(i);
    worker.postMessage(port2, [port2]);
    for (let i = 0; i < 20; i++) port1.postMessage(i);
    Atomics.store(areSent, 0, 1); Atomics.notify(areSent, 0);
    await once(worker, 'message');
    await worker.terminate();
    await trace.stop();`,
  );
  const events = readEvents(file);
  const name = events.find(({ ph, name: found }) => ph === 'C' && found?.startsWith('messages in channel'))!
    .name!;
  const depths = counted(events, name);
  expect(Math.max(...depths)).toBeGreaterThan(20);
  expect(Math.max(...depths)).toBeLessThanOrEqual(25);
  expect(depths.at(-1)).toBe(0);
});

test('ports that a worker is given in its workerData are known to it', async () => {
  const { file } = await runProgram(
    `${IMPORTS}await start();
    const [one, two] = [new MessageChannel(), new MessageChannel()];
    const worker = new Worker("const { workerData: { deep: [{ port }], other } } = require('node:worker_threads'); port.on('message', (text) => { other.postMessage(text); port.close(); other.close(); });",
      { eval: true, workerData: { other: two.port2, deep: [{ port: one.port2 }] }, transferList: [one.port2, two.port2] });
    one.port1.postMessage('there');
    const [text] = await once(two.port1, 'message');
    await once(worker, 'exit');
    console.log(text);
    await trace.stop();`,
  );
  const events = readEvents(file);
  const ends = (wanted: string): string[] =>
    events.filter(({ ph }) => ph === wanted).map(({ id }) => String(id));
  expect(ends('s')).toHaveLength(2);
  expect(ends('f').sort()).toEqual(ends('s').sort());
});

test('a message whose handler takes long has its arrow, also where the process is killed meanwhile', async () => {
  // Each handler goes on until its begin is in the file, however long the collector takes to come to it.
  const { file, signal } = await runProgram(
    `${IMPORTS}import { readFileSync } from 'node:fs';
    await start();
    const isSeen = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(\`const { parentPort, workerData: isSeen } = require('node:worker_threads');
      parentPort.on('message', (number) => { while (Atomics.load(isSeen, 0) < number) Atomics.wait(isSeen, 0, number - 1); parentPort.postMessage(0); });\`, { eval: true, workerData: isSeen });
    const begins = () => readFileSync(file, 'utf8').split('\\n').filter((line) => line.includes('"ph":"B"') && line.includes('"name":"message"')).length;
    const begun = async (count) => { while (begins() < count) await new Promise((go) => setTimeout(go, 5)); };
    worker.postMessage(1);
    await begun(1);
    Atomics.store(isSeen, 0, 1); Atomics.notify(isSeen, 0);
    await once(worker, 'message');
    worker.postMessage(2);
    await begun(2);
    process.kill(process.pid, 'SIGKILL');`,
  );
  expect(signal).toBe('SIGKILL');
  const events = readEvents(file);
  const worker = events.findLast(({ ph, name }) => ph === 'B' && name === 'message')?.tid;
  const begins = named(events, 'message').filter(({ tid }) => tid === worker);
  expect(begins.map(({ ph }) => ph)).toEqual(['X', 'B']);
  for (const { ts, tid } of begins) {
    const [end] = events.filter((event) => event.ph === 'f' && event.tid === tid && event.ts === ts);
    expect(events.filter(({ ph, id }) => ph === 's' && id === end?.id)).toHaveLength(1);
  }
});

/** Two workers that hear three broadcasts. */
const LISTENERS = `const code = \`const { parentPort, BroadcastChannel } = require('node:worker_threads');
    const channel = new BroadcastChannel('news'); let n = 0;
    channel.onmessage = () => { if (++n === 3) { channel.close(); parentPort.postMessage('done'); } };
    parentPort.postMessage('ready');\`;
  const workers = [1, 2].map(() => new Worker(code, { eval: true }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const done = Promise.all(workers.map((worker) => once(worker, 'message')));\n`;

/** Threads that flows of broadcasts lead to, by flow. */
function arrows(events: readonly TraceEvent[]): Map<string, number[]> {
  const sent = events.filter(({ ph, name }) => ph === 'X' && name === 'postMessage (broadcast)');
  const found = new Map<string, number[]>();
  for (const { ph, ts, id } of events) {
    if (ph === 's' && sent.some((slice) => slice.ts === ts)) found.set(String(id), []);
  }
  for (const { ph, id, tid } of events) if (ph === 'f') found.get(String(id))?.push(tid!);
  return found;
}

const handled = (events: readonly TraceEvent[]): TraceEvent[] =>
  events.filter(({ name, ph }) => name === 'message (broadcast)' && (ph === 'X' || ph === 'B'));

test('a broadcast has an arrow to each of its receivers', async () => {
  const { file } = await runProgram(
    `${IMPORTS}await start(); ${LISTENERS}
    const channel = new globalThis.BroadcastChannel('news'); const early = new BroadcastChannel('other');
    for (let i = 0; i < 3; i++) { channel.postMessage(i); early.postMessage(i); }
    await done; channel.close(); early.close();
    // Their last slices end after they have answered.
    await Promise.all(workers.map((worker) => once(worker, 'exit'))); await trace.stop();`,
  );
  const events = readEvents(file);
  expect(handled(events)).toHaveLength(6);
  const receivers = new Set(handled(events).map(({ tid }) => tid));
  const found = [...arrows(events).values()];
  expect(found.filter((threads) => threads.length > 0)).toHaveLength(3);
  for (const threads of found) if (threads.length > 0) expect(new Set(threads)).toEqual(receivers);
});

test('a listener that comes later has arrows from its first message on, also where it fetches them', async () => {
  const { file, stdout } = await runProgram(
    `${IMPORTS}await start();
    const sender = new BroadcastChannel('late'); sender.postMessage('unheard');
    const late = new BroadcastChannel('late');
    sender.postMessage('first'); sender.postMessage('second');
    for (let got; (got = receiveMessageOnPort(late)); ) console.log(got.message);
    sender.close(); late.close(); await trace.stop();`,
  );
  expect(stdout).toBe('first\nsecond\n');
  const lengths = [...arrows(readEvents(file)).values()].map(({ length }) => length);
  expect(lengths).toEqual([0, 1, 1]);
});

test('where several send under one name there are slices, but no arrows: whose message it is is not known', async () => {
  const { file } = await runProgram(
    `${IMPORTS}await start(); ${LISTENERS}
    const one = new BroadcastChannel('news'); const other = new BroadcastChannel('news');
    one.onmessage = () => {};
    one.postMessage(1); other.postMessage(2); one.postMessage(3);
    await done; one.close(); other.close(); await trace.stop();`,
  );
  const events = readEvents(file);
  expect(handled(events).length).toBeGreaterThanOrEqual(6);
  // The first was on its way before the second sender was there.
  expect([...arrows(events)].slice(1)).toEqual([]);
});

test('programs that broadcast do the same with and without it', async () => {
  await expectSameBehaviour(
    `${IMPORTS}const a = new BroadcastChannel('x'); const b = new BroadcastChannel('x');
    class Own extends BroadcastChannel { constructor() { super('x'); this.seen = []; } }
    const own = new Own();
    own.addEventListener('message', (event) => own.seen.push(event.data, event.constructor.name, event.type));
    b.onmessage = ({ data }) => { console.log('b', data); if (data === 'boom') throw new RangeError('in a listener'); };
    process.on('uncaughtException', (error) => console.log(error.name, error.message));
    a.postMessage(1); a.postMessage({ deep: [1] }); a.postMessage('boom');
    for (const wrong of [() => a.postMessage(), () => a.postMessage(() => {}), () => new BroadcastChannel(), () => BroadcastChannel('x'),
      () => BroadcastChannel.prototype.postMessage.call({}, 1), () => new BroadcastChannel(Symbol('s'))]) {
      try { console.log('fine', wrong()); } catch (error) { console.log(error.name, error.code, error.message); }
    }
    await new Promise((go) => setTimeout(go, 50));
    console.log(own.seen.join(), own instanceof BroadcastChannel, Object.keys(own).join(), BroadcastChannel.name, BroadcastChannel.length);
    a.close(); b.close(); own.close();
    try { a.postMessage(2); } catch (error) { console.log(error.name, error.message); }
    const manual = new BroadcastChannel('y'); manual.onmessage = (event) => console.log('manual', event.data);
    manual.dispatchEvent(new MessageEvent('message', { data: 7 })); manual.close();
    console.log(Object.getOwnPropertyNames(BroadcastChannel.prototype).filter((name) => name !== 'dispatchEvent').join());`,
    'none,messages',
    // Node.js 20 prints a warning of an experiment.
    { flags: ['--no-warnings'] },
  );
});

test('stop gives the classes and methods back', async () => {
  const { stdout } = await runProgram(
    `${IMPORTS}const names = ['MessageChannel', 'BroadcastChannel'];
    const what = () => [...names.map((name) => globalThis[name]), BroadcastChannel.prototype.postMessage, BroadcastChannel.prototype.dispatchEvent,
      ...names.map((name) => JSON.stringify(Object.getOwnPropertyDescriptor(globalThis, name)))];
    const before = what(); await start(); const during = what(); await trace.stop(); const after = what();
    console.log(before.every((value, i) => value === after[i]), before.filter((value, i) => value !== during[i]).length > 3);`,
  );
  expect(stdout).toBe('true true\n');
});

test('a flood of channels does not make a counter each', async () => {
  const { file } = await runProgram(
    `${IMPORTS}await start();
    for (let i = 0; i < 150; i++) {
      const { port1, port2 } = new MessageChannel();
      for (let k = 0; k < 5; k++) port1.postMessage(k);
      await new Promise((done) => { let n = 0; port2.on('message', () => { if (++n === 5) done(); }); });
      port1.close();
    }
    await trace.stop();`,
  );
  const names = readEvents(file)
    .filter(({ ph, name }) => ph === 'C' && name?.startsWith('messages'))
    .map(({ name }) => name);
  expect(new Set(names).size).toBeGreaterThan(5);
  expect(new Set(names).size).toBeLessThanOrEqual(100);
});
