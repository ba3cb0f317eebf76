/** What `ttrace validate` prints: a line a finding, its first example below, and a line of totals. */

import { cellText, counted, countText, timeText } from '@ttrace/analysis';
import type { Finding, Trace } from '@ttrace/format';

/** Findings as text, in their order. */
export function findingLines(findings: readonly Finding[], trace: Trace): string[] {
  const lines: string[] = [];
  for (const { severity, rule, count, message, example } of findings) {
    lines.push(`${severity}: ${rule} (${countText(count)}): ${message}`);
    if (example === undefined) continue;
    const track = trace.tracks[example.track];
    const place = track === undefined ? '' : ` on ${trackText(track)}`;
    lines.push(`  first: ${JSON.stringify(cellText(example.name))}${place} at ${timeText(example.time)}`);
  }
  const count = (severity: Finding['severity']): number =>
    findings.filter((finding) => finding.severity === severity).length;
  const totals = [counted(count('error'), 'error'), counted(count('warning'), 'warning')].join(', ');
  lines.push(`${counted(trace.length, 'event')}: ${findings.length === 0 ? 'nothing is wrong' : totals}`);
  return lines;
}

function trackText({ kind, name, pid, tid, category, id }: Trace['tracks'][number]): string {
  const shown = name === '' ? '' : ` ${JSON.stringify(cellText(name))}`;
  if (kind === 'thread') return `thread ${pid}/${tid}${shown}`;
  if (kind === 'async') return `async track${category === '' ? '' : ` ${category}`} ${id}${shown}`;
  return `${kind}${shown} of process ${pid}`;
}
