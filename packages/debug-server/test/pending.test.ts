/** What `goroutine` says without seconds of work that is pending: by kind, and with `pendingStacks` by the stack that began it. */
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import { describe, expect, test } from 'vitest';
import { type Asked, ask, PPROF, pprof, serveProgram } from './served-program.ts';

interface Facts {
  readonly url: string;
}

/** Answers of a program whose main thread is blocked by then. The first one is that to the first request. */
async function answersOf(env: NodeJS.ProcessEnv, paths: readonly string[]): Promise<Asked[]> {
  const served = await serveProgram<Facts>('pending.mjs', env);
  try {
    const answers: Asked[] = [];
    for (const path of paths) answers.push(await ask(`${served.facts.url}${path}`));
    expect(served.stderr()).toBe('');
    return answers;
  } finally {
    await served.end();
  }
}

/** Pending work in a profile: `COUNT THREAD: FRAME < FRAME …`, innermost first. */
function pendingIn({ body }: Asked): string[] {
  const { sample, location, function: functions, stringTable } = Profile.decode(gunzipSync(body));
  const text = (at: number | bigint): string => stringTable.strings[Number(at)]!;
  const lines = sample.map(({ value, label, locationId }) => {
    const thread = label.find(({ key }) => text(key) === 'thread');
    const frames = locationId.map((id) => {
      const { line } = location.find((each) => each.id === id)!;
      const name = text(functions.find((each) => each.id === line[0]!.functionId)!.name);
      return name.replace(/ [\w-]+\.mjs:\d+$/, '');
    });
    return `${value[0]} ${thread === undefined ? '' : text(thread.str)}: ${frames.join(' < ')}`;
  });
  return lines.filter((line) => line.includes(': pending ')).sort();
}

test('by kind: what keeps a blocked thread and a worker alive, and nothing of the debug server and the recorder', async () => {
  const [profile, text] = await answersOf({}, ['goroutine', 'goroutine?debug=2']);
  expect(pendingIn(profile!)).toEqual([
    '1 main: pending TCPServerWrap',
    '1 main: pending Timeout',
    expect.stringMatching(/^1 worker \d+ poller: pending Timeout$/),
  ]);
  expect(text!.text).toMatch(
    /^thread 0 "main" .*\n(.+\n)+pending TCPServerWrap \[1\]\npending Timeout \[1\]\n\nthread \d+ "worker \d+ poller"/,
  );
});

describe('with pendingStacks', () => {
  test('the first request has all that has begun since, by its stack, also promises; what began before by kind', async () => {
    const [profile, text, one] = await answersOf({ PENDING_STACKS: '1' }, [
      'goroutine',
      'goroutine?debug=2',
      'goroutine?debug=1&thread=0',
    ]);
    const pending = pendingIn(profile!);
    expect(pending).toEqual(
      expect.arrayContaining([
        '3 main: pending PROMISE < waitForJob < (anonymous)',
        '1 main: pending Timeout < setInterval < startPolling < (anonymous)',
        '1 main: pending TCPServerWrap',
        expect.stringMatching(
          /^1 worker \d+ poller: pending Timeout < setInterval < pollInWorker < \(anonymous\)$/,
        ),
      ]),
    );
    expect(pending.filter((line) => /Timeout/.test(line))).toHaveLength(2);
    expect(text!.text).toMatch(/\npending PROMISE "main" \[3\]:\nwaitForJob\(\)\n\t\/.*\/pending\.mjs:\d+\n/);
    // Nothing of ours is said to be pending.
    expect(text!.text).not.toMatch(/packages\/(sdk|debug-server\/(src|dist))/);
    expect(one!.text).toContain('waitForJob');
    expect(one!.text).not.toContain('pollInWorker');
  });

  test.skipIf(PPROF === '')('go tool pprof shows who began what is pending', async () => {
    const [profile] = await answersOf({ PENDING_STACKS: '1' }, ['goroutine']);
    const top = pprof(profile!.body, '-top', '-cum', '-tagfocus=thread=main');
    expect(top).toMatch(/^ +3 .* pending PROMISE$/m);
    expect(top).toMatch(/^ +0 +0% +[\d.]+% +3 .* waitForJob$/m);
    expect(pprof(profile!.body, '-traces')).toMatch(/1 +pending Timeout\n +setInterval\n +pollInWorker\n/);
  });

  test('?seconds looks at its own time, and leaves what is noted all the time; what is past the bound is counted; closing ends it', async () => {
    const served = await serveProgram<Facts>('service.mjs', { PENDING_STACKS: '1' });
    try {
      const headers = { authorization: 'Bearer open-sesame' };
      const get = async (path: string): Promise<string[]> =>
        pendingIn(await ask(`${served.facts.url}${path}`, { headers }));
      await served.tell('wait');
      const before = await get('goroutine?thread=0');
      expect(before.join()).toMatch(/pending PROMISE < waitForever/);
      expect((await get('goroutine?thread=0&seconds=1')).join()).not.toMatch(/waitForever/);
      expect((await get('goroutine?thread=0')).join()).toMatch(/pending PROMISE < waitForever/);
      await served.tell('wait a lot');
      let text: string;
      // On a busy machine so much may not be told in time.
      do ({ text } = await ask(`${served.facts.url}goroutine?thread=0&debug=1`, { headers }));
      while (text.includes('has not said in time'));
      expect(text).toMatch(/^# of main, [5-9]\d\d operations are missing: 100000 are noted at a time$/m);
      expect(await served.tell('left behind')).toEqual(['Symbol(ttrace/pending always)']);
      expect(await served.tell('close server')).toBe(true);
      expect(await served.tell('left behind')).toEqual([]);
    } finally {
      await served.end();
    }
  });
});
