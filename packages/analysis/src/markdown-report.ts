/**
 * A trace in a few thousand characters of Markdown, for a pull request's comment or a coding agent's context: the worst things first, the same
 * words for the same things, never longer than it may be.
 */
import type { Finding } from './finding.ts';
import { findingsOf } from './findings.ts';
import { bytesText, counted, timeText } from './quantity.ts';
import { wallTime } from './summary.ts';
import type { Table } from './table.ts';
import { markdownLines, markdownText } from './table-text.ts';
import { TABLES } from './tables.ts';
import { cellText } from './text-columns.ts';
import type { TraceIndex } from './trace-index.ts';

/** Comments and contexts are small. */
export const REPORT_CHARACTERS: number = 4000;

/** Of the report, at most, so that there is room for tables. */
const FINDINGS_CHARACTERS = 2000;
const ROWS = 5;
/** Tables that say most for their length, in this order. */
const SECTIONS = ['blockers', 'tasks', 'locks', 'threads', 'regions', 'messages', 'gc'];

/** @param limit most characters. What does not fit is left out from the end on, and said. */
export function markdownReport(
  index: TraceIndex,
  file: string,
  fileBytes: number,
  limit: number = REPORT_CHARACTERS,
): string {
  const parts = [headOf(index, file, fileBytes), findingsPart(index)];
  for (const id of SECTIONS) {
    const question = TABLES.find((each) => each.id === id);
    const part = question === undefined ? '' : tablePart(question.table(index, {}));
    if (part !== '') parts.push(part);
  }
  const more = `More: ttrace view ${file}, or any table as JSON: ttrace blockers|tasks|regions|threads|locks|messages --json ${file}`;
  return fitted(parts, more, limit);
}

function fitted(parts: readonly string[], more: string, limit: number): string {
  let text = '';
  let left = 0;
  for (const part of parts) {
    if (text.length + part.length + more.length + 80 <= limit) text += `${part}\n\n`;
    else left++;
  }
  const note = left > 0 ? `${counted(left, 'section')} left out to stay short. ` : '';
  return cut(`${text}${note}${more}`, limit);
}

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, Math.max(0, limit - 1))}…`;
}

function headOf(index: TraceIndex, file: string, fileBytes: number): string {
  const { trace, threads, start, end } = index;
  const names = trace.processes.map(({ name }) => name).filter((name) => name !== '');
  const startedAt = wallTime(trace, start);
  const facts = [
    names.length === 0
      ? ''
      : `\`${cellText(names[0]!.replaceAll('`', "'"), 80)}\`${names.length > 1 ? ` and ${names.length - 1} more` : ''}`,
    `${timeText(end - start)}${startedAt === undefined ? '' : ` from ${startedAt}`}`,
    counted(threads.length, 'thread'),
    counted(trace.length, 'event'),
    bytesText(fileBytes),
  ].filter((fact) => fact !== '');
  return `# Trace ${markdownText(cut(file, 120))}\n\n${facts.join(', ')}`;
}

/** Findings as a numbered list under a heading; what does not fit is counted. */
export function findingsMarkdown(findings: readonly Finding[], limit: number = REPORT_CHARACTERS): string {
  if (findings.length === 0) return '## Findings\n\nNothing looks wrong.';
  let text = '## Findings\n';
  for (const [at, { severity, sentence, advice }] of findings.entries()) {
    const line = `\n${at + 1}. **${severity}** ${markdownText(cut(sentence, 400))} ${advice}`;
    const more = `\n\nand ${counted(findings.length - at, 'more finding')}: ttrace lint`;
    if (text.length + line.length + more.length > limit && at > 0) return text + more;
    text += line;
  }
  return text;
}

function findingsPart(index: TraceIndex): string {
  return findingsMarkdown(findingsOf(index), FINDINGS_CHARACTERS);
}

function tablePart<Row>(table: Table<Row>): string {
  const lines = markdownLines(table, ROWS, 48);
  return lines.length === 0 ? '' : [`## ${table.title}`, '', ...lines].join('\n');
}
