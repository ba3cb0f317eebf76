/** A summary as text: a few lines of facts, then one table a question. The short form is what `ttrace run` prints. */
import type { FiredTrigger, NameStats, Summary } from '@ttrace/analysis';
import {
  alignedLines,
  bytesText,
  cellText,
  counted,
  countText,
  shareText,
  type TextColumn,
  timeText,
  valueText,
} from '@ttrace/analysis';
import { heading } from './print.ts';

const left = (title: string): TextColumn => ({ title, align: 'left' });
const right = (title: string): TextColumn => ({ title, align: 'right' });

/** What the report needs beside the summary. */
export interface ReportOptions {
  /** Most rows a table. */
  readonly top: number;
  /** Turns headings bold, or leaves them. */
  readonly emphasize?: (text: string) => string;
}

/** Everything that a summary says, tables cut to `top` rows. */
export function summaryLines(
  summary: Summary,
  file: string,
  fileBytes: number,
  options: ReportOptions,
): string[] {
  const { top, emphasize = heading } = options;
  return [
    `${file}: ${bytesText(fileBytes)}, ${FORMATS[summary.format]}`,
    ...factLines(summary),
    ...section(emphasize('Threads'), threadTable(summary, top)),
    ...section(emphasize('Blocked event loops'), blockTable(summary, top)),
    ...section(emphasize('Tasks'), statsTable('Task', summary.tasks, top)),
    ...section(emphasize(regionsTitle(summary)), statsTable('Region', summary.regions, top)),
    ...section(emphasize('Waits'), statsTable('Wait', summary.waits, top)),
    ...section(emphasize('Counters'), counterTable(summary, top)),
    ...section(emphasize('Events by category'), categoryTable(summary, top)),
  ];
}

/** The short form: one line of totals, and the tables of what blocked, of tasks, regions and waits. */
export function shortSummaryLines(summary: Summary, top: number): string[] {
  const { events, threads, durationNanos, dropped } = summary;
  return [
    `${counted(events, 'event')} on ${counted(threads.length, 'thread')} in ${timeText(durationNanos)}`,
    ...(dropped > 0
      ? [
          `${counted(dropped, 'event')} dropped: the recorder could not keep up, or spans were open in a worker that did not answer at the end`,
        ]
      : []),
    ...blockTable(summary, top, ''),
    ...statsTable('Task', summary.tasks, top, ''),
    ...statsTable('Region', summary.regions, top, ''),
    ...statsTable('Wait', summary.waits, top, ''),
  ];
}

/** The facts of a summary as CSV: a name and a value a line, times in nanoseconds. */
export function factsCsv(summary: Summary, fileBytes: number): string[] {
  const { format, startedAt, durationNanos, threads, asyncTracks, events, flows, dropped, lost } = summary;
  const facts: readonly [string, string | number][] = [
    ['format', format],
    ['fileBytes', fileBytes],
    ['startedAt', startedAt ?? ''],
    ['durationNanos', durationNanos],
    ['threads', threads.length],
    ['asyncTracks', asyncTracks],
    ['events', events],
    ['flows', flows.count],
    ['completeFlows', flows.complete],
    ['dropped', dropped],
    ['lostShare', lost?.share ?? 0],
  ];
  return ['fact,value', ...facts.map(([name, value]) => `${name},${value}`)];
}

const FORMATS = {
  json: 'Chrome JSON',
  perfetto: 'Perfetto protobuf',
  text: 'text',
  cpuprofile: 'V8 CPU profile',
  otlp: 'OTLP JSON',
} as const;

function regionsTitle({ regionsAre }: Summary): string {
  return regionsAre === 'regions' ? 'Regions' : 'Slices by name (the producer marks no regions)';
}

function factLines(summary: Summary): string[] {
  const { processes, threads, asyncTracks, durationNanos, startedAt, kinds, flows, dropped, lost } = summary;
  const names = processes.map(({ pid, name }) => `${cellText(name) || '(unnamed)'} (pid ${pid})`);
  const shown = names.length > 4 ? [...names.slice(0, 4), `${names.length - 4} more`] : names;
  const facts: [string, string][] = [
    ['Process', shown.join(', ')],
    ['Span', timeText(durationNanos) + (startedAt === undefined ? '' : ` from ${startedAt}`)],
    ['Tracks', `${counted(threads.length, 'thread')}, ${countText(asyncTracks)} asynchronous`],
    [
      'Events',
      `${countText(summary.events)}${kinds.length === 0 ? '' : `: ${kinds.map(kindText).join(', ')}`}`,
    ],
  ];
  if (flows.count > 0) {
    facts.push(['Flows', `${countText(flows.count)}, ${countText(flows.complete)} with both ends`]);
  }
  for (const fired of summary.triggers) facts.push(['Trigger', triggerText(fired, summary.startNanos)]);
  facts.push(['Dropped', dropped === 0 ? 'nothing' : counted(dropped, 'event')]);
  if (lost !== undefined) facts.push(['Lost', `${shareText(lost.share)} of the file: ${lost.reason}`]);
  return facts.map(([name, text]) => `${name.padEnd(9)}${text}`);
}

function triggerText({ trigger, what, timeNanos, durationNanos }: FiredTrigger, start: number): string {
  const lasted = durationNanos === undefined ? '' : `, ${timeText(durationNanos)}`;
  return `${cellText(trigger)}: ${cellText(what)}${lasted}, at ${timeText(timeNanos - start)}`;
}

function kindText({ name, count }: Summary['kinds'][number]): string {
  const words: Record<string, string> = { flowOut: 'flow start', flowStep: 'flow step', flowIn: 'flow end' };
  return counted(count, words[name] ?? name);
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

function threadTable({ threads, durationNanos, processes }: Summary, top: number): string[] {
  if (threads.length === 0) return [];
  const columns = [
    left('Thread'),
    right('tid'),
    right('Events'),
    right('In slices'),
    right('%'),
    right('Waiting'),
    right('GC'),
    right('Dropped'),
  ];
  const hasPids = processes.length > 1;
  const rows = threads
    .slice(0, top)
    .map(({ name, pid, tid, events, busyNanos, waitingNanos, gcNanos, dropped }) => [
      cellText(name) || '(unnamed)',
      hasPids ? `${pid}/${tid}` : String(tid),
      countText(events),
      timeText(busyNanos),
      shareText(durationNanos > 0 ? busyNanos / durationNanos : 0),
      timeText(waitingNanos),
      timeText(gcNanos),
      countText(dropped),
    ]);
  return [...alignedLines(columns, rows), ...moreLine(threads.length, top)];
}

function blockTable({ blocks }: Summary, top: number, option = TOP): string[] {
  if (blocks.length === 0) return [];
  const columns = [
    left('Blocked by'),
    right('Count'),
    right('Total'),
    right('Max'),
    left('Threads'),
    left('Where'),
  ];
  const rows = blocks
    .slice(0, top)
    .map(({ name, count, totalNanos, maxNanos, threads, location }) => [
      cellText(name),
      countText(count),
      timeText(totalNanos),
      timeText(maxNanos),
      threads.length > 3 ? `${threads.length} threads` : cellText(threads.join(', ')),
      cellText(location),
    ]);
  return [...alignedLines(columns, rows), ...moreLine(blocks.length, top, option)];
}

function statsTable(title: string, stats: readonly NameStats[], top: number, option = TOP): string[] {
  if (stats.length === 0) return [];
  const columns = [left(title), right('Count')];
  const hasUnfinished = stats.some(({ unfinished }) => unfinished > 0);
  if (hasUnfinished) columns.push(right('Unfinished'));
  for (const name of ['Total', 'Mean', 'p50', 'p95', 'p99', 'Max']) columns.push(right(name));
  const rows = stats
    .slice(0, top)
    .map((row) => [
      cellText(row.name) || '(unnamed)',
      countText(row.count),
      ...(hasUnfinished ? [countText(row.unfinished)] : []),
      timeText(row.totalNanos),
      timeText(row.meanNanos),
      timeText(row.p50Nanos),
      timeText(row.p95Nanos),
      timeText(row.p99Nanos),
      timeText(row.maxNanos),
    ]);
  return [...alignedLines(columns, rows), ...moreLine(stats.length, top, option)];
}

function counterTable({ counters }: Summary, top: number): string[] {
  if (counters.length === 0) return [];
  const columns = [
    left('Counter'),
    right('Samples'),
    right('Min'),
    right('Mean'),
    right('Max'),
    right('Last'),
    left('Unit'),
  ];
  const rows = counters
    .slice(0, top)
    .map(({ name, samples, min, mean, max, last, unit }) => [
      cellText(name) || '(unnamed)',
      countText(samples),
      ...[min, mean, max, last].map(valueText),
      unit,
    ]);
  return [...alignedLines(columns, rows), ...moreLine(counters.length, top)];
}

function categoryTable({ categories, events }: Summary, top: number): string[] {
  if (categories.length === 0) return [];
  const rows = categories
    .slice(0, top)
    .map(({ name, count }) => [cellText(name) || '(none)', countText(count), shareText(count / events)]);
  return [
    ...alignedLines([left('Category'), right('Events'), right('%')], rows),
    ...moreLine(categories.length, top),
  ];
}

/** The option of the command that shows more. */
const TOP = '--top';

/** @param option '' where the command has none. */
function moreLine(count: number, top: number, option = TOP): string[] {
  return count > top
    ? [`… and ${countText(count - top)} more${option === '' ? '' : `: ${option} ${count}`}`]
    : [];
}
