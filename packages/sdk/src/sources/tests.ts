/**
 * Tests as tasks, for `node --test` and vitest: one a test, within one a suite, with file, status and error. What a test does
 * belongs to its task. Looks only into threads that run tests.
 *
 * Neither has a hook for this on all versions, and wrapping what they export would change where they say that a test stands: the
 * methods that run a test are patched instead, and no frame of ours is in the stack of a test.
 */
import { basename, dirname } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { startNodeTest } from './node-test.ts';
import { startVitest } from './vitest.ts';

/** Names of test files, as `node --test` looks for them. */
const TEST_FILE = /^test$|^test-|[.\-_]test$/;
/** Its pools `forks` and `threads`; in those of node:vm each context has a copy of vitest and of the SDK. */
const VITEST_WORKER = /[\\/]vitest[\\/]dist[\\/]workers[\\/](forks|threads)\.js$/;

/** How long a file that is only called like a test is watched: tests are made while their file is loaded. */
const GUESS_MS = 5000;
/** The same where `node --test` is at work: its variable is inherited by what tests start. */
const KNOWN_MS = 30_000;
// Bound early: test tools replace it.
const { nextTick } = process;

export function startTests(): () => void {
  const file = process.argv[1] ?? '';
  if (!isMainThread && file === '') return startLater();
  if (VITEST_WORKER.test(file)) return startVitest(file);
  if (!isMainThread) return () => {};
  const isNodeTest =
    process.env.NODE_TEST_CONTEXT !== undefined ||
    process.execArgv.some((flag) => flag === '--test' || flag.startsWith('--test-'));
  if (isNodeTest) return startNodeTest(KNOWN_MS);
  const mayBe = TEST_FILE.test(basename(file).replace(/\.[^.]*$/, '')) || basename(dirname(file)) === 'test';
  return mayBe ? startNodeTest(GUESS_MS) : () => {};
}

/** A worker that takes part from its first moment on learns a little later which file it runs. */
function startLater(): () => void {
  let isOn = true;
  let stop = (): void => {};
  nextTick(() => {
    if (isOn && VITEST_WORKER.test(process.argv[1] ?? '')) stop = startVitest(process.argv[1]!);
  });
  return () => {
    isOn = false;
    stop();
  };
}
