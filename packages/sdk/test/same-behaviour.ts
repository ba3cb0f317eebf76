/** Runs a program with a source and without, for tests that a source changes nothing. */
import { expect } from 'vitest';
import { type Outcome, type ProgramOptions, runProgram } from './program.ts';

/** What is the same in two runs of one program: nothing in it names the directory that it ran in. */
function seen({ code, signal, stdout, stderr, directory }: Outcome): Record<string, unknown> {
  const clean = (text: string): string =>
    text.replaceAll(directory, 'DIR').replaceAll(/\(node:\d+\)/g, '(node:PID)');
  return { code, signal, stdout: clean(stdout), stderr: clean(stderr) };
}

/** Expects that a program does the same with a source and without any; returns the run with it. */
export async function expectSameBehaviour(
  source: string,
  sources: string,
  options: ProgramOptions = {},
): Promise<Outcome> {
  const run = (choice: string): Promise<Outcome> =>
    runProgram(source, { ...options, isHooked: true, env: { ...options.env, TTRACE_SOURCES: choice } });
  const [bare, recorded] = [await run('none'), await run(sources)];
  expect(seen(recorded)).toEqual(seen(bare));
  return recorded;
}
