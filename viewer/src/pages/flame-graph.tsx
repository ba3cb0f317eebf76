/**
 * A flame graph, drawn on the server: functions below those that called them, as wide as their time. Each box is a link that makes it as
 * wide as the graph; it works without scripts, and by keyboard. SVG, for a page's policy allows no styles on elements.
 */
import { counted, countText, frameText, type Profile, shareText, timeText } from '@ttrace/analysis';
import type { Child } from 'hono/jsx';
import { type FlameBox, flameLayout } from '../flame-layout.ts';
import type { KeptProfile } from '../profile-store.ts';

interface FlameGraphProps {
  readonly kept: KeptProfile;
  /** Number of the node in focus. */
  readonly focus: number;
  /** What the profile counts beside the time: `wait`. */
  readonly noun: string;
  /** Undefined where there is nothing to zoom into. */
  readonly linkTo: (focus: number) => string | undefined;
}

const ROW = 22;
/** Narrower boxes have no room for a letter. */
const MIN_TEXT_WIDTH = 0.012;

/** Renders the graph and what its colours mean. */
export function FlameGraph({ kept, focus, noun, linkTo }: FlameGraphProps): Child {
  const node = kept.tree.nodes[focus] ?? kept.tree.root;
  const { boxes, levels } = flameLayout(node);
  const height = levels * ROW;
  return (
    <>
      <ul class="legend" aria-label="Colours of the graph">
        {KINDS.map(({ kind, label }) => (
          <li>
            <svg viewBox="0 0 10 10" aria-hidden="true">
              <rect class={`frame ${kind}`} width="10" height="10" />
            </svg>
            {label}
          </li>
        ))}
      </ul>
      <section class="scroll flame" aria-label="Flame graph" tabindex={0}>
        <svg width="100%" height={height}>
          <title>Functions below those that called them; choose one to see it as wide as the graph</title>
          {boxes.map((box) => (
            <Box {...{ box, profile: kept.profile, noun, linkTo }} />
          ))}
        </svg>
      </section>
    </>
  );
}

interface BoxProps extends Pick<FlameGraphProps, 'noun' | 'linkTo'> {
  readonly box: FlameBox;
  readonly profile: Profile;
}

function Box({ box, profile, noun, linkTo }: BoxProps): Child {
  const { node, folded, width, level, isAround } = box;
  const name = nameOf(box, profile);
  const share = shareText(profile.nanos > 0 ? box.nanos / profile.nanos : 0);
  const count = folded > 0 ? '' : `, ${counted(node.count, noun)}`;
  const title = `${name}: ${timeText(box.nanos)}, ${share}${count}`;
  const kind = folded > 0 || node.frame < 0 ? 'rest' : kindOf(profile.frames[node.frame]!.file);
  return (
    <a href={linkTo(node.id)} aria-label={title}>
      <svg x={percent(box.x)} y={level * ROW} width={percent(width)} height={ROW - 1}>
        <title>{title}</title>
        <rect
          class={`frame ${kind}${isAround ? ' around' : ''} shade-${shadeOf(name)}`}
          width="100%"
          height="100%"
        />
        {width >= MIN_TEXT_WIDTH && (
          <text x="4" y={ROW - 7}>
            {name}
          </text>
        )}
      </svg>
    </a>
  );
}

function nameOf({ node, folded }: FlameBox, { frames }: Profile): string {
  if (folded > 0) return `${countText(folded)} more`;
  return node.frame < 0 ? 'all' : frameText(frames[node.frame]!);
}

/** What a frame is, by its source. */
const KINDS = [
  { kind: 'program', label: 'the program' },
  { kind: 'package', label: 'packages' },
  { kind: 'runtime', label: 'Node.js' },
  { kind: 'other', label: 'without a source: native code, regions, waits' },
] as const;

function kindOf(file: string): (typeof KINDS)[number]['kind'] {
  if (file === '') return 'other';
  if (file.startsWith('node:')) return 'runtime';
  return /[\\/]node_modules[\\/]/.test(file) ? 'package' : 'program';
}

/** Neighbours of one kind are told apart by their shade, the same for a function wherever it stands. */
function shadeOf(name: string): number {
  let hash = 0;
  for (let at = 0; at < name.length; at++) hash = (Math.imul(hash, 31) + name.charCodeAt(at)) | 0;
  return Math.abs(hash) % 3;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(3).replace(/\.?0+$/, '')}%`;
}
