/** Runs a program with its child processes recorded too: when that is done, and what is said about it. */
import { statSync } from 'node:fs';
import { Failure } from './failure.ts';
import { printError } from './print.ts';
import { openChildren } from './run-children.ts';
import { type NamedProgram, type ProgramRun, runProgram } from './run-program.ts';

/**
 * Whether child processes are to be recorded.
 * @param wish what the command line says; by default those of commands and of `node --test`, which do little themselves.
 * @throws Failure when nothing would be recorded.
 */
export function recordsChildren(
  { script, command }: NamedProgram,
  args: readonly string[],
  wish: boolean | undefined,
): boolean {
  if (wish === false && command !== undefined) {
    throw new Failure(
      `${command} is no script: only child processes can be recorded, so leave out --no-children`,
      2,
    );
  }
  const isTestRun = script === undefined && args.includes('--test');
  return wish ?? (command !== undefined || isTestRun);
}

/** Exit codes above this are signals. */
const SIGNALLED = 128;

/** Runs the program and puts the traces of its child processes into the file; says what is missing in it. */
export async function runWithChildren(run: ProgramRun & { readonly file: string }): Promise<number> {
  const children = openChildren(run.file);
  try {
    const before = modified(run.file);
    const exitCode = await runProgram({ ...run, environment: children.environment });
    try {
      const hasOwn = modified(run.file) !== before;
      const { refused, leftIn } = await children.mergeInto(run.file, hasOwn, exitCode > SIGNALLED);
      if (refused > 0)
        printError(`ttrace: ${refused} child processes were too many and are not in the trace`);
      if (leftIn !== undefined) {
        printError(
          `ttrace: the traces of the child processes are too large to be put together; they are in ${leftIn}`,
        );
      }
    } catch (error) {
      // The program has run: its exit code stands.
      printError(`ttrace: ${(error as Error).message}`);
    }
    return exitCode;
  } finally {
    children.close();
  }
}

/** When a file was last written; undefined when there is none. */
function modified(file: string): bigint | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.mtimeNs;
}
