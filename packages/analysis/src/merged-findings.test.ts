/** Findings of one cause are one; those that only happen together are not. */
import { expect, test } from 'vitest';
import type { Finding } from './finding.ts';
import { findingsOf } from './findings.ts';
import { indexOf } from './trace-index.ts';
import { traceOf } from './trace-test-kit.ts';

/** Seconds as the text form has them. */
const s = (millis: number): string => (millis / 1e3).toFixed(9);
const HEAD = `process 1 "shop"
track 1/1 thread "main"
track 1/2 thread "worker 2"
track m async 1 loop "0x1" "main event loop"
slice 1/1 +0.000000000 ${s(1)} region "start"
slice 1/1 +${s(9000)} ${s(1)} region "end"`;
const STACK = ['pbkdf2Sync (node:internal/crypto/pbkdf2:68:12)', 'hash (/srv/auth.js:12:3)'];

function findings(lines: readonly string[]): readonly Finding[] {
  return findingsOf(indexOf(traceOf([HEAD, ...lines].join('\n'))));
}

const task = (id: number, at: number, length: number, name: string, parent?: number): string[] => [
  `track t${id} async 1 task "0x${id.toString(16)}" "${name}"`,
  `slice t${id} +${s(at)} ${s(length)} task "${name}" ${JSON.stringify({ task: id, parent })}`,
];
const block = (at: number, length: number, of: number): string =>
  `slice m +${s(at)} ${s(length)} loop "hash auth.js:12 → pbkdf2Sync" ${JSON.stringify({ blocked: true, task: of, location: '/srv/auth.js:12', stack: STACK })}`;
const hold = (id: number, at: number, length: number, of: number): string[] => [
  `track h${id} async 1 region "0x${(id + 500).toString(16)}" "lock accounts"`,
  `slice h${id} +${s(at)} ${s(length)} region "lock accounts" {"task":${of}}`,
];
const wait = (at: number, length: number): string =>
  `slice 1/2 +${s(at)} ${s(length)} wait "lock accounts wait"`;
/** Twenty tasks that hold a lock for 100 ms each, of which the loop is blocked for so many, while a worker waits. */
const orders = (blocked: number, blocker: (id: number) => number = (id) => id): string[] =>
  Array.from({ length: 20 }, (_, at) => at * 200).flatMap((at, i) => [
    ...task(i + 1, at, 110, 'settle'),
    ...hold(i + 1, at + 2, 100, i + 1),
    block(at + 3, blocked, blocker(i + 1)),
    wait(at + 5, 97),
  ]);
const rules = (found: readonly Finding[]): string[] =>
  found.map(({ rule, also }) => [rule, ...also.map((each) => each.rule)].join(' + '));

test('a synchronous call while a lock is held, the block that it is, and the waits for the lock are one finding', () => {
  const found = findings(orders(80));
  expect(rules(found)).toEqual(['sync-in-task + lock-convoy + blocked-loop']);
  expect(found[0]!.sentence).toBe(
    'pbkdf2Sync in hash (/srv/auth.js:12) stopped main for 80.0 ms during settle, 20 times and 1.60 s in all, in each settle. ' +
      'Meanwhile its task held lock accounts, for 1.60 s of the 2.00 s that it was held: others waited for it 1.94 s in 20 waits.',
  );
  expect(found[0]!.also[0]).toEqual({
    rule: 'lock-convoy',
    text: 'waits for lock accounts',
    link: { page: 'locks/each', filter: { name: 'lock accounts' } },
  });
  expect(found[0]!.costNanos).toBe(20 * 97e6);
});

test('a lock that is held for most of its time outside of blocks, or by others than who blocks, is a finding of its own', () => {
  expect(rules(findings(orders(30)))).toEqual(['lock-convoy', 'sync-in-task + blocked-loop']);
  expect(rules(findings(orders(80, (id) => (id % 20) + 1)))).toEqual([
    'lock-convoy',
    'sync-in-task + blocked-loop',
  ]);
  const elsewhere = Array.from(
    { length: 20 },
    (_, i) => `slice 1/2 +${s(i * 200 + 103)} ${s(1)} region "count" {"task":${i + 1}}`,
  );
  expect(rules(findings([...orders(80), ...elsewhere]))).toEqual([
    'lock-convoy',
    'sync-in-task + blocked-loop',
  ]);
});

/** Thirty requests of 5 ms with a job of 4 ms in each, and one that is slower. */
const requests = (length: number, job: number): string[] =>
  Array.from({ length: 31 }, (_, i) => i).flatMap((i) => [
    ...task(2 * i + 1, i * 20, i === 30 ? length : 5, 'GET /'),
    ...task(2 * i + 2, i * 20, i === 30 ? job : 4, 'job', 2 * i + 1),
  ]);

test('a task that is slow because of a task in it is part of that one’s finding', () => {
  const found = findings(requests(400, 380));
  expect(rules(found)).toEqual(['slow-tail + slow-tail']);
  expect(found[0]!.sentence).toMatch(
    /^The slowest tasks job take far longer .*\. That is also why tasks around them are slow: GET \/ \(380 ms of 400 ms in #61\)\.$/,
  );
});

test('a task that is slow beside a slow task in it is a finding of its own', () => {
  expect(rules(findings(requests(400, 200)))).toEqual(['slow-tail', 'slow-tail']);
});

test('of tasks that are in tasks of each other’s name one finding stays', () => {
  const nested = Array.from({ length: 31 }, (_, i) => i).flatMap((i) => [
    ...task(3 * i + 1, i * 20, i === 30 ? 400 : 5, 'a'),
    ...task(3 * i + 2, i * 20, i === 30 ? 390 : 4, 'b', 3 * i + 1),
    ...(i === 30 ? task(3 * i + 3, i * 20, 380, 'a', 3 * i + 2) : []),
  ]);
  expect(rules(findings(nested))).toEqual(['slow-tail + slow-tail']);
});
