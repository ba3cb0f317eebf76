import { expect, test } from 'vitest';
import { ENDLESS_PATIENCE, runThreads } from './threads-test-kit.ts';

for (const capacity of [0, 1, 3, 100]) {
  test(`with capacity ${capacity} every message comes once, and those of a sender to a receiver in their order`, async () => {
    const { said, stderr } = await runThreads(
      `${ENDLESS_PATIENCE}const MESSAGES = 4000;
      const numbers = Channel.of(Int32Array, 2, { capacity: ${capacity} });
      const senders = [0, 1, 2, 3].map((sender) => start({ numbers, sender, MESSAGES }));
      const receivers = [0, 1, 2].map(() => start({ numbers }));
      const lists = receivers.map((worker) => once(worker, 'message').then(([list]) => list));
      const awaited = (async () => {
        const got = [];
        for await (const message of numbers) got.push([...message]);
        return got;
      })();
      await ended(senders);
      numbers.close();
      const all = await Promise.all([awaited, ...lists]);
      await ended(receivers);
      const seen = new Set();
      let outOfOrder = 0;
      for (const list of all) {
        const last = [-1, -1, -1, -1];
        for (const [sender, index] of list) {
          seen.add(sender * MESSAGES + index);
          if (index <= last[sender]) outOfOrder++;
          last[sender] = index;
        }
      }
      say([all.reduce((sum, { length }) => sum + length, 0), seen.size, outOfOrder]);`,
      `${ENDLESS_PATIENCE}const numbers = Channel.from(workerData.numbers);
      if (workerData.MESSAGES === undefined) {
        const got = [];
        for (const message of numbers) got.push([...message]);
        parentPort.postMessage(got);
      } else {
        for (let i = 0; i < workerData.MESSAGES; i++) numbers.send(Int32Array.of(workerData.sender, i));
      }`,
    );
    expect(stderr).toBe('');
    expect(said).toEqual([[16_000, 16_000, 0]]);
  });
}

test('without capacity a sender goes on when its message is taken, and not before', async () => {
  const { said } = await runThreads(
    `const channel = new Channel();
    let isOver = false;
    const sending = channel.sendAsync('first').then(() => { isOver = true; });
    await sleep(50);
    say([isOver, channel.length, channel.trySend('second')]);
    say(channel.receive());
    await sending;
    say(isOver);
    const receiving = channel.receiveAsync();
    say([channel.trySend('third'), await receiving, channel.tryReceive() ?? 'none']);`,
  );
  expect(said).toEqual([
    [false, 0, false],
    { done: false, value: 'first' },
    true,
    [true, { done: false, value: 'third' }, 'none'],
  ]);
});

test('closing tells everybody who waits, and what is in it is still given', async () => {
  const { said, stderr } = await runThreads(
    `const full = new Channel({ capacity: 2 });
    const empty = new Channel();
    const unbuffered = new Channel();
    full.send('a');
    full.send('b');
    const workers = [start({ full, empty, unbuffered })];
    const waiting = [codeOfAsync(() => full.sendAsync('c')), codeOfAsync(() => unbuffered.sendAsync('d')), empty.receiveAsync()];
    await once(workers[0], 'message');
    await sleep(100);
    for (const channel of [full, empty, unbuffered]) channel.close();
    say(await Promise.all(waiting));
    await ended(workers);
    say([...full]);
    say([unbuffered.tryReceive().done, full.receive().done, codeOf(() => full.trySend('e')), codeOf(() => full.close())]);`,
    `parentPort.postMessage('soon');
    console.log(JSON.stringify(codeOf(() => Channel.from(workerData.full).send('f'))));`,
  );
  expect(stderr).toBe('');
  expect(said).toHaveLength(4);
  expect(said).toContain('CLOSED');
  expect(said).toContainEqual(['CLOSED', 'CLOSED', { done: true }]);
  expect(said.slice(-2)).toEqual([
    ['a', 'b'],
    [true, true, 'CLOSED', 'CLOSED'],
  ]);
});

test('messages are structured clones or typed arrays of one length, and others are refused', async () => {
  const { said } = await runThreads(
    `const clones = new Channel({ capacity: 9, messageBytes: 500 });
    const rich = { map: new Map([[1, new Date(5)]]), bytes: Uint8Array.of(1, 2), big: 3n, hole: undefined };
    clones.send(rich);
    const { value } = clones.receive();
    say([value.map.get(1).getTime(), [...value.bytes], String(value.big), 'hole' in value]);
    say([codeOf(() => clones.send('x'.repeat(600))), codeOf(() => clones.send(() => {})).replace(/.*could/, 'could')]);
    const doubles = Channel.of(Float64Array, 2, { capacity: 1 });
    say([codeOf(() => doubles.send(Float64Array.of(1))), codeOf(() => doubles.send([1, 2])), codeOf(() => doubles.send(Float32Array.of(1, 2)))]);
    doubles.send(new Float64Array([7, 1.5, 2.5]).subarray(1));
    const got = doubles.receive().value;
    say([got instanceof Float64Array, ...got]);
    say([codeOf(() => new Channel({ capacity: -1 })), codeOf(() => Channel.of(Array, 3)), codeOf(() => new Channel({ name: 5 }))]);`,
  );
  expect(said).toEqual([
    [5, [1, 2], '3', true],
    ['MESSAGE_TOO_LARGE', 'could not be cloned.'],
    ['WRONG_MESSAGE', 'WRONG_MESSAGE', 'WRONG_MESSAGE'],
    [true, 1.5, 2.5],
    [
      'RangeError: capacity must be an integer from 0 to 2^31 - 1, got -1',
      'TypeError: Array is not a class of typed arrays',
      'TypeError: name must be a string',
    ],
  ]);
});

test('receivers that were terminated while they waited take no message from those that live', async () => {
  const { said } = await runThreads(
    `const channel = new Channel();
    const workers = [start({ channel }), start({ channel })];
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    await sleep(50);
    await workers[0].terminate();
    channel.send('one');
    await ended([workers[1]]);
    say('over');`,
    `parentPort.postMessage('soon');
    console.log(JSON.stringify(Channel.from(workerData.channel).receive().value));
    process.exit(0);`,
  );
  expect(said.toSorted()).toEqual(['one', 'over']);
});

test('a trace has an arrow for each message, the waits of both sides, and the length', async () => {
  const { events, stderr } = await runThreads(
    `const channel = new Channel({ capacity: 2, name: 'jobs' });
    const workers = [start({ channel })];
    for (let i = 0; i < 60; i++) channel.send({ i });
    await written('channel jobs receive wait');
    channel.send('last');
    channel.close();
    await ended(workers);`,
    `for (const message of Channel.from(workerData.channel)) {
      const end = performance.now() + 2;
      while (performance.now() < end);
    }`,
    { isTraced: true },
  );
  expect(stderr).toBe('');
  const named = (name: string) => events.filter((event) => event.name === name);
  const sends = named('channel jobs send');
  const receives = named('channel jobs receive');
  expect(sends).toHaveLength(61);
  expect(receives).toHaveLength(61);
  expect(sends[0]!.cat).toBe('message');
  expect(sends[0]!.tid).not.toBe(receives[0]!.tid);
  const out = new Map(events.filter(({ ph }) => ph === 's').map(({ id, ts }) => [id, ts]));
  const arrows = events.filter(({ ph, id }) => ph === 'f' && out.has(id));
  expect(arrows).toHaveLength(61);
  for (const { id, ts } of arrows) expect(ts).toBeGreaterThanOrEqual(out.get(id)!);
  // The channel is full for most of the time, and empty before the last message.
  expect(named('channel jobs send wait').length).toBeGreaterThan(5);
  expect(named('channel jobs receive wait').length).toBeGreaterThan(0);
  const lengths = named('channel jobs length').map(({ args }) => args!.value);
  expect(Math.max(...(lengths as number[]))).toBe(2);
  expect(lengths.at(-1)).toBe(0);
});
