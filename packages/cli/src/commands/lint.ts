/** `ttrace lint`: what is probably wrong, the worst first, and an exit code for CI. */
import {
  type Finding,
  findingsMarkdown,
  findingsOf,
  findingsTable,
  indexOf,
  isAtLeast,
  RULES,
  type Severity,
  type TraceIndex,
} from '@ttrace/analysis';
import { type Command, defineCommand } from '../command.ts';
import { loadTrace } from '../load-trace.ts';
import { print } from '../print.ts';
import { checkTableOptions, printedTable, type TableOptions } from '../printed-table.ts';
import { addFile, addTableOptions } from '../table-options.ts';

const LEVELS = ['high', 'medium', 'low', 'never'] as const;

/** Prints findings with what to do; exit code 1 if one is as bad as `--fail-on` says. */
export const lintCommand: Command = defineCommand({
  usage: 'lint <file>',
  summary: 'Say what is probably wrong, the worst first; exit code 1 for what is high',
  options: (parser) =>
    addTableOptions(addFile(parser))
      .option('fail-on', {
        choices: LEVELS,
        default: 'high' as const,
        describe: 'Exit with 1 if a finding is so bad or worse',
        requiresArg: true,
      })
      .option('rules', { type: 'boolean', default: false, describe: 'Print what each rule looks for' }),
  run: async (options) => {
    checkTableOptions(options);
    if (options.rules) {
      await print(RULES.map(({ id, help }) => `${id}: ${help}`));
      return 0;
    }
    const { trace } = await loadTrace(options.file);
    const index = indexOf(trace);
    await print(linesFor(index, options));
    const failOn = options.failOn as Severity | 'never';
    return failOn !== 'never' && findingsOf(index).some(({ severity }) => isAtLeast(severity, failOn))
      ? 1
      : 0;
  },
});

function linesFor(index: TraceIndex, options: TableOptions & { readonly file: string }): Iterable<string> {
  const findings = findingsOf(index);
  if (options.md) return [findingsMarkdown(findings.slice(0, options.top), options.maxChars)];
  const { json, csv, explain, sort, top } = options;
  if (!json && !csv && !explain && sort === undefined) return findingLines(findings, top);
  return printedTable(findingsTable(index, {}, options.file), options);
}

function findingLines(findings: readonly Finding[], top: number): string[] {
  if (findings.length === 0) return ['Nothing looks wrong.'];
  const lines = findings
    .slice(0, top)
    .flatMap(({ severity, rule, sentence, advice }) => [
      `${severity.padEnd(6)} ${rule}: ${sentence}`,
      `       ${advice}`,
    ]);
  return findings.length > top
    ? [...lines, `… and ${findings.length - top} more: --top ${findings.length}`]
    : lines;
}
