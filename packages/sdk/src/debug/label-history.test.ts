/** In which region and task each sample was taken, beside a search that looks at everything. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockAt, blockBytes, Header, MAX_OPEN } from '../ring.ts';
import { LabelHistory } from './label-history.ts';

/** Name and task of the innermost of these, inner ones first; a nameless one has only a task. */
type Stretch = readonly [name: number, task: number, start: number, end: number];

function plainly(stretches: readonly Stretch[], time: number): [number, number] {
  let task = 0;
  for (const [name, ownTask, start, end] of stretches) {
    if (time < start || time > end) continue;
    task ||= ownTask;
    if (name !== 0) return [name, task];
  }
  return [0, task];
}

/** A tree of stretches as a thread leaves them: each after those inside it. */
const nested: fc.Arbitrary<Stretch[]> = fc
  .array(fc.tuple(fc.nat(3), fc.nat(3), fc.boolean()), { maxLength: 40 })
  .map((steps) => {
    const open: [number, number, number][] = [];
    const ended: Stretch[] = [];
    let time = 0;
    for (const [name, task, isBegin] of steps) {
      time += 1;
      if (isBegin) open.push([name, task, time]);
      else {
        const last = open.pop();
        if (last !== undefined) ended.push([...last, time]);
      }
    }
    for (const last of open.reverse()) ended.push([...last, ++time]);
    return ended;
  });

test('samples get the innermost region and task around them, of those that ended and those that are open', () => {
  fc.assert(
    fc.property(nested, fc.array(fc.nat(100), { maxLength: 30 }), fc.nat(3), (stretches, halves, open) => {
      const block = blockAt(new SharedArrayBuffer(blockBytes(4)), 4, 0);
      const history = new LabelHistory(block);
      for (const [name, task, start, end] of stretches) history.add(name, task, start, end);
      for (let level = 0; level < open; level++) {
        block.openStart[level] = level * 20;
        block.openName[level] = 10 + level;
        block.openName[level + MAX_OPEN] = 20 + level;
      }
      block.header[Header.depth] = open;
      const stillOpen = Array.from(
        { length: open },
        (_, level): Stretch => [10 + level, 20 + level, level * 20, Infinity],
      );
      const times = Float64Array.from(halves.map((half) => half / 2).sort((a, b) => a - b));
      const { names, tasks } = history.find(times);
      const found = Array.from(times, (_, i) => [names[i], tasks[i]]);
      const all = [...stretches, ...stillOpen.reverse()];
      expect(found).toEqual(Array.from(times, (time) => plainly(all, time)));
    }),
    { numRuns: 300 },
  );
});
