/** `ttrace validate`: says what is wrong with a trace. */
import { validateTrace } from '@ttrace/format';
import { type Command, defineCommand } from '../command.ts';
import { findingLines } from '../finding-report.ts';
import { loadTrace } from '../load-trace.ts';
import { print } from '../print.ts';

/** Prints findings; exit code 1 when one of them is an error. */
export const validateCommand: Command = defineCommand({
  usage: 'validate <file>',
  summary: 'Check a trace: exit code 1 if it holds what cannot be true',
  options: (parser) =>
    parser
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'A trace: JSON, protobuf, .cpuprofile or text, also .gz',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print the findings as JSON' }),
  run: async ({ file, json }) => {
    const { trace } = await loadTrace(file);
    const findings = validateTrace(trace);
    await print(json ? [JSON.stringify(findings, null, 2)] : findingLines(findings, trace));
    return findings.some(({ severity }) => severity === 'error') ? 1 : 0;
  },
});
