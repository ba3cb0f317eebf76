/** Scrubbing: no secret is left, and everything else is. */
import { readTextTrace, type Trace, textLines } from '@ttrace/format';
import { expect, test } from 'vitest';
import { type Scrubbing, scrubTrace } from './scrub-trace.ts';

const WHOLE = readTextTrace(`# ttrace text 1
origin 5000000000
clock 5000000000 1700000000000
meta ttrace_recording {"version":1,"clock":{"monotonicNanos":"5000000000","wallMillis":1700000000000},"node":"v20","user":"SECRET"}
meta otherData {"cwd":"/home/SECRETDIR","n":1}
process 7 "node /srv/SECRETDIR/shop.js"
track 7/7 thread "SECRETNAME main"
track a1 async 7 loop "0x7" "SECRETNAME main event loop"
track a2 async 7 task "0x1" "SECRETNAME order"
track a3 async 7 timing "0x2 SECRETNAME row" "SECRETNAME row"
track c1 counter 7 "" "SECRETNAME queue" unit="bytes"
track c2 counter 7 "" "other queue"
skipped 2 "unknown SECRET"
slice a2 +0.000000100 0.000000900 task "SECRETNAME order" {"task":1,"parent":9,"id":17,"vip":true,"customer":"SECRET","nested":{"SECRET":["SECRET"]}}
slice 7/7 +0.000000200 0.000000100 region "SECRETNAME parse" {"task":1}
slice 7/7 +0.000000400 0.000000100 region "SECRETNAME parse" {"task":1}
slice 7/7 +0.000000600 0.000000010 gc "GC minor"
slice a1 +0.000000200 0.000000300 loop "hash auth.js:12 → pbkdf2Sync" {"blocked":true,"location":"/srv/SECRETDIR/auth.js:12","region":"SECRETNAME parse","sampled_ms":21.3,"stack":["pbkdf2Sync (node:internal/crypto/pbkdf2:83:17)","hash (/srv/SECRETDIR x/auth.js:12:3)","Error: SECRET"]}
slice a3 +0.000000200 0.000000300 timing "SECRETNAME measure"
instant 7/7 +0.000000700 log "cache" {"task":1,"message":"SECRET text","level":"warn"}
instant 7/7 +0.000000800 error "TypeError: SECRET" {"message":"SECRET","origin":"uncaughtException","stack":["f (/srv/SECRETDIR/a.js:1:2)"]}
counter c1 +0.000000300 5 "SECRETNAME queue"
counter c2 +0.000000300 6 "other queue"
flow-out 7/7 +0.000000200 1 flow "flow"
flow-in 7/7 +0.000000400 1 flow "flow"
`);

const scrubbed = (options: Partial<Scrubbing>): Trace =>
  scrubTrace(WHOLE, { names: false, values: false, paths: false, ...options });
const textOf = (trace: Trace): string => [...textLines(trace)].join('\n');

test('the trace of these tests is read whole', () => {
  expect(WHOLE.error).toBeUndefined();
  expect(WHOLE.length).toBe(12);
});

test('with paths, values and names nothing secret is left', () => {
  const text = textOf(scrubbed({ names: true, values: true, paths: true }));
  expect(text).not.toContain('SECRET');
  expect(text).toContain('"task":1,"parent":9,"id":17,"vip":true,"customer":"…","nested":"…"');
  expect(text).toContain('process 7 "process 1"');
  expect(text).toContain('track a1 async 7 loop "0x7" "thread 1 event loop"');
  expect(text).toContain('track a3 async 7 timing "0x2 timing 2" "timing 2"');
  expect(text).toContain(
    'loop "hash auth.js:12 → pbkdf2Sync" {"blocked":true,"location":"…/auth.js:12","region":"region 1"',
  );
  expect(text).toContain(
    '"stack":["pbkdf2Sync (node:internal/crypto/pbkdf2:83:17)","hash (…/auth.js:12:3)","…"]',
  );
  expect(text).toContain('gc "GC minor"');
});

test('by itself names stay, without directories, and errors lose what they say', () => {
  const text = textOf(scrubbed({ values: true, paths: true }));
  expect(text.replaceAll('SECRETNAME', '')).not.toContain('SECRET');
  expect(text).toContain('process 7 "node …/shop.js"');
  expect(text).toContain('region "SECRETNAME parse"');
  expect(text).toContain('error "TypeError" ');
  expect(text).toContain('log "cache" {"task":1,"message":"…","level":"…"}');
});

test('with paths alone, or values alone, only those go', () => {
  const paths = textOf(scrubbed({ paths: true }));
  expect(paths).not.toContain('SECRETDIR');
  expect(paths).toContain('"customer":"SECRET"');
  const values = textOf(scrubbed({ values: true }));
  expect(values).toContain('"location":"/srv/SECRETDIR/auth.js:12"');
  expect(values).not.toContain('"customer":"SECRET"');
});

test('times, tracks, tasks, arrows and the clock are as before, and equal names stay equal', () => {
  const after = scrubbed({ names: true, values: true, paths: true });
  const shape = ({ columns, tracks, origin, clock, length }: Trace): unknown => ({
    columns: { kind: columns.kind, start: columns.start, value: columns.value, track: columns.track },
    tracks: tracks.map(({ kind, pid, tid, category, dropped, sortIndex }) => ({
      ...{ kind, pid, tid, category, dropped, sortIndex },
    })),
    ...{ origin, clock, length },
  });
  expect(shape(after)).toEqual(shape(WHOLE));
  const { name } = after.columns;
  expect(name[1]).toBe(name[2]);
  expect(new Set(after.tracks.map(({ kind, name: label }) => `${kind} ${label}`)).size).toBe(6);
});

test('what a pattern matches stays', () => {
  const after = scrubbed({ names: true, values: true, paths: true, keep: /^cache$|^customer$|parse$/u });
  const text = textOf(after);
  expect(text).toContain('log "cache"');
  expect(text).toContain('"customer":"SECRET"');
  expect(text).toContain('region "SECRETNAME parse"');
  expect(text).toContain('task "task 1"');
});
