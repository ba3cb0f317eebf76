/** Profiles to be read by people: `debug=1` and `debug=2`. */
import type { DebugSnapshot } from '@ttrace/sdk/debug';
import {
  pendingKinds,
  pendingName,
  type SeenThread,
  shownWork,
  stateFrames,
  stateText,
} from './goroutine-profile.ts';
import type { SourceFrame } from './source-frames.ts';
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
  for (const seen of threads) {
    const { thread, state, noted } = seen;
    lines.push(
      `thread ${thread.id} "${thread.name}" [${stateText(state)}]:`,
      ...stackLines(stateFrames(state)),
    );
    for (const [type, count] of pendingKinds(seen)) lines.push(`${pendingName(type)} [${count}]`);
    lines.push('');
    const work = shownWork(noted).sort((a, b) => b.count - a.count);
    for (const { type, frames, count } of work.slice(0, MAX_LISTED)) {
      lines.push(`${pendingName(type)} "${thread.name}" [${count}]:`, ...stackLines(frames), '');
    }
    if (work.length > MAX_LISTED) lines.push(`… and ${work.length - MAX_LISTED} more stacks`, '');
  }
  const live = snapshot?.live ?? [];
  for (const { name, category, tasks, ageNanos } of live.slice(0, MAX_LISTED)) {
    lines.push(`${category} "${name}" [${ageText(ageNanos)}]${tasks.map((task) => ` in ${task}`).join('')}`);
  }
  if (live.length > MAX_LISTED) lines.push(`… and ${live.length - MAX_LISTED} more`);
  return `${lines.join('\n')}\n`;
}

function stackLines(frames: readonly SourceFrame[]): string[] {
  return frames.flatMap((frame) => [`${frame.name}()`, `\t${placeText(frame)}`]);
}

function frameLine({ name, file, line }: TakenProfile['frames'][number]): string {
  return file === '' ? `#\t${name}` : `#\t${name}\t${file}:${line}`;
}

function placeText({ file, line }: SourceFrame): string {
  return file === '' ? '(native)' : `${file}:${line}`;
}

function ageText(nanos: number): string {
  return nanos < 1e9 ? `${Math.round(nanos / 1e6)} ms` : `${(nanos / 1e9).toFixed(1)} s`;
}
