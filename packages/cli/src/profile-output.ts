/** The formats of profile viewers that a trace is converted to, by the file's name or as `--to` says. */
import { basename } from 'node:path';

export type ProfileOutputFormat = 'speedscope' | 'firefox' | 'pprof' | 'collapsed';

/** How a trace is written for a profile viewer. */
export interface ProfileOutput {
  readonly format: ProfileOutputFormat;
  /** Whether to compress; pprof files always are, by themselves. */
  readonly isGzip: boolean;
}

const EXTENSIONS: readonly (readonly [extension: string, format: ProfileOutputFormat])[] = [
  ['.speedscope.json', 'speedscope'],
  ['.profile.json', 'firefox'],
  ['.pb', 'pprof'],
  ['.folded', 'collapsed'],
  ['.collapsed', 'collapsed'],
];

export const PROFILE_OUTPUTS: readonly ProfileOutputFormat[] = [
  'speedscope',
  'firefox',
  'pprof',
  'collapsed',
];

/** Undefined when neither names such a format. */
export function profileOutput(file: string, to: string | undefined): ProfileOutput | undefined {
  const name = basename(file).toLowerCase();
  const isGzip = name.endsWith('.gz');
  const plain = isGzip ? name.slice(0, -3) : name;
  const format =
    to === undefined
      ? EXTENSIONS.find(([extension]) => plain.endsWith(extension))?.[1]
      : PROFILE_OUTPUTS.find((each) => each === to);
  return format === undefined ? undefined : { format, isGzip: isGzip && format !== 'pprof' };
}
