/** That whoever lets go wakes whoever waits: a million times, and each time nobody else would. */
import { expect, test } from 'vitest';
import { ENDLESS_PATIENCE, runThreads } from './threads-test-kit.ts';

test('a million hand-overs between four pairs of threads lose no wake-up', async () => {
  const { said, stderr, code } = await runThreads(
    `const pairs = [0, 1, 2, 3];
    const workers = pairs.flatMap(() => {
      const [one, other] = [new Semaphore(1), new Semaphore(1)];
      other.acquire();
      return [start({ take: one, give: other }), start({ take: other, give: one })];
    });
    await ended(workers);
    say('semaphores');
    await ended(pairs.flatMap(() => {
      const meeting = Channel.of(Int32Array, 1);
      return [start({ meeting, isSender: true }), start({ meeting })];
    }));
    say('meetings');`,
    `${ENDLESS_PATIENCE}const { take, give, meeting, isSender } = workerData;
    if (meeting === undefined) {
      const [from, to] = [Semaphore.from(take), Semaphore.from(give)];
      for (let i = 0; i < 100_000; i++) { from.acquire(); to.release(); }
    } else {
      const channel = Channel.from(meeting);
      for (let i = 0; i < 25_000; i++) if (isSender) channel.send(Int32Array.of(i)); else channel.receive();
    }`,
  );
  expect([stderr, code, said]).toEqual(['', 0, ['semaphores', 'meetings']]);
});
