/** Finds where the options of `ttrace run` end and the program begins: everything after belongs to the program untouched. */

/** Options of `run` that take the next argument as their value. */
const WITH_VALUE: readonly string[] = ['-o', '--output', '--sources', '--flight', '--flight-dir'];

/** Takes the program, with its arguments, out of a command line. Without the command `run` there is none. */
export function splitProgram(args: readonly string[]): {
  own: readonly string[];
  program: readonly string[];
} {
  if (args[0] !== 'run') return { own: args, program: [] };
  for (let at = 1; at < args.length; at++) {
    const argument = args[at]!;
    if (argument === '--') return { own: args.slice(0, at), program: args.slice(at + 1) };
    if (!argument.startsWith('-') || argument === '-')
      return { own: args.slice(0, at), program: args.slice(at) };
    if (WITH_VALUE.includes(argument)) at++;
  }
  return { own: args, program: [] };
}
