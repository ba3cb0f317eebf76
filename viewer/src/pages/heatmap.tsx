/**
 * What each thread did along the trace: a row a thread, a column a bin of time, in each the states by their share. Every bin is a link to its
 * stretch of the timeline. Plain SVG; `client/heatmap.ts` adds the arrow keys.
 */
import {
  type Heatmap,
  type HeatmapRow,
  shareText,
  stateTitle,
  THREAD_STATES,
  type ThreadState,
} from '@ttrace/analysis';
import type { Child } from 'hono/jsx';
import type { Links } from '../links.ts';
import { formatTime } from '../time-text.ts';

interface HeatmapProps {
  readonly heatmap: Heatmap;
  readonly links: Links;
}

/** From the bottom of a bin to its top: what stops a loop stands on the ground, where it can be compared. */
const LAYERS: readonly ThreadState[] = ['blocked', 'gc', 'waiting', 'running', 'unknown', 'idle'];
/** Height of a row in the units of its drawing; a bin is one unit wide. */
const HEIGHT = 100;
/** Longer maps are for the table of threads. */
const MAX_ROWS = 60;

/** Renders the map with its legend and its axis. */
export function HeatmapFigure({ heatmap, links }: HeatmapProps): Child {
  const { rows, start, binNanos, bins } = heatmap;
  const shown = [...rows].sort((a, b) => weight(b) - weight(a)).slice(0, MAX_ROWS);
  const used = LAYERS.filter((state) => rows.some((row) => totalOf(row, state) > 0));
  return (
    <figure class="heatmap">
      <ul class="legend" aria-label="Colours of the map">
        {used.map((state) => (
          <li>
            <svg viewBox="0 0 10 10" aria-hidden="true">
              <rect class={`state-${state}`} width="10" height="10" />
            </svg>
            {stateTitle(state)}
          </li>
        ))}
      </ul>
      {shown.map((row) => (
        <div class="heat-row">
          <span class="heat-name">{row.thread.name}</span>
          <Bins heatmap={heatmap} row={row} links={links} />
        </div>
      ))}
      <p class="heat-axis" aria-hidden="true">
        {[0, 0.5, 1].map((part) => (
          <span>{formatTime(start + binNanos * bins * part)}</span>
        ))}
      </p>
      {rows.length > shown.length && (
        <p class="more">and {rows.length - shown.length} threads that did less</p>
      )}
    </figure>
  );
}

function Bins({ heatmap, row, links }: HeatmapProps & { readonly row: HeatmapRow }): Child {
  const { start, binNanos, bins } = heatmap;
  const columns = Array.from({ length: bins }, (_, bin) => bin).filter((bin) => row.alive[bin]! > 0);
  return (
    <svg class="heat" viewBox={`0 0 ${bins} ${HEIGHT}`} preserveAspectRatio="none">
      <title>{`${row.thread.name}: states along the trace`}</title>
      {columns.map((bin) => {
        const span = { start: start + bin * binNanos, end: start + (bin + 1) * binNanos };
        const label = `${formatTime(span.start)} to ${formatTime(span.end)}: ${binText(row, bin)}`;
        return (
          <a href={links.timeline(span)} aria-label={`${row.thread.name}, ${label}`}>
            <title>{label}</title>
            <Column row={row} bin={bin} />
          </a>
        );
      })}
    </svg>
  );
}

function Column({ row, bin }: { readonly row: HeatmapRow; readonly bin: number }): Child {
  const parts: { state: ThreadState; y: number; height: number }[] = [];
  let top = HEIGHT;
  for (const state of LAYERS) {
    const height = HEIGHT * shareOf(row, bin, state);
    if (height < 0.5) continue;
    top -= height;
    parts.push({ state, y: top, height });
  }
  return (
    <>
      {parts.map(({ state, y, height }) => (
        <rect
          class={`state-${state}`}
          x={bin}
          y={Number(y.toFixed(1))}
          width="1"
          height={Number(height.toFixed(1))}
        />
      ))}
    </>
  );
}

function binText(row: HeatmapRow, bin: number): string {
  return LAYERS.map((state) => ({ state, share: shareOf(row, bin, state) }))
    .filter(({ share }) => share >= 0.0005)
    .sort((a, b) => b.share - a.share)
    .map(({ state, share }) => `${stateTitle(state)} ${shareText(share)}`)
    .join(', ');
}

function shareOf({ shares }: HeatmapRow, bin: number, state: ThreadState): number {
  return shares[bin * THREAD_STATES.length + THREAD_STATES.indexOf(state)]!;
}

/** In bins. */
function totalOf(row: HeatmapRow, state: ThreadState): number {
  let total = 0;
  for (let bin = 0; bin < row.alive.length; bin++) total += shareOf(row, bin, state) * row.alive[bin]!;
  return total;
}

function weight(row: HeatmapRow): number {
  return totalOf(row, 'running') + totalOf(row, 'blocked') + totalOf(row, 'gc');
}
