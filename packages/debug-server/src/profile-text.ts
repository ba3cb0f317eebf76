/** Profiles to be read by people: `debug=1` and `debug=2`. */
import type { DebugSnapshot } from '@ttrace/sdk/debug';
import { type SeenThread, stateFrames, stateText } from './goroutine-profile.ts';
import type { TakenProfile } from './taken-profile.ts';

/** Lists of live operations are cut here. */
const MAX_LISTED = 1000;

/** `debug=1`: each stack with its values, the largest of the last value first. */
export function profileText(name: string, profile: TakenProfile): string {
  const { samples, frames, valueTypes, comments } = profile;
  const last = valueTypes.length - 1;
  const sorted = [...samples].sort((a, b) => b.values[last]! - a.values[last]!);
  const total = samples.reduce((sum, { values }) => sum + values[0]!, 0);
  const types = valueTypes.map(({ type, unit }) => `${type}/${unit}`).join(' ');
  const lines = [
    `${name} profile: total ${total}`,
    `values: ${types}`,
    ...comments.map((text) => `# ${text}`),
  ];
  for (const { values, stack, labels } of sorted) {
    const known = Object.entries(labels).filter(([, text]) => text !== '');
    const text = known.map(([key, value]) => `${key}:${JSON.stringify(value)}`).join(' ');
    lines.push('', `${values.join(' ')} @${text === '' ? '' : ` ${text}`}`);
    for (const frame of stack) lines.push(frameLine(frames[frame]!));
  }
  return `${lines.join('\n')}\n`;
}

/** `goroutine?debug=2`: what each thread runs now, and what goes on besides. */
export function stacksText(threads: readonly SeenThread[], snapshot: DebugSnapshot | undefined): string {
  const lines: string[] = [];
  for (const { thread, state } of threads) {
    lines.push(`thread ${thread.id} "${thread.name}" [${stateText(state)}]:`);
    for (const frame of stateFrames(state)) lines.push(`${frame.name}()`, `\t${placeText(frame)}`);
    const resources = Object.entries(state?.resources ?? {}).map(([type, count]) => `${count} ${type}`);
    if (resources.length > 0) lines.push(`keeps alive: ${resources.join(', ')}`);
    lines.push('');
  }
  const live = snapshot?.live ?? [];
  for (const { name, category, tasks, ageNanos } of live.slice(0, MAX_LISTED)) {
    lines.push(`${category} "${name}" [${ageText(ageNanos)}]${tasks.map((task) => ` in ${task}`).join('')}`);
  }
  if (live.length > MAX_LISTED) lines.push(`… and ${live.length - MAX_LISTED} more`);
  return `${lines.join('\n')}\n`;
}

function frameLine({ name, file, line }: TakenProfile['frames'][number]): string {
  return file === '' ? `#\t${name}` : `#\t${name}\t${file}:${line}`;
}

function placeText({ file, line }: { readonly file: string; readonly line: number }): string {
  return file === '' ? '(native)' : `${file}:${line}`;
}

function ageText(nanos: number): string {
  return nanos < 1e9 ? `${Math.round(nanos / 1e6)} ms` : `${(nanos / 1e9).toFixed(1)} s`;
}
