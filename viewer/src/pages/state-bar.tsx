/** How time was spent, as a bar of coloured parts, and what the colours mean. */
import { type StateTimes, shareText, stateTitle, THREAD_STATES, timeText } from '@ttrace/analysis';
import type { Child } from 'hono/jsx';
import { statesTotal } from '../table-store.ts';

const WIDTH = 300;
const HEIGHT = 16;

/** A bar in which `longest` nanoseconds are the whole width. */
export function StateBar({
  times,
  longest,
}: {
  readonly times: StateTimes;
  readonly longest: number;
}): Child {
  const total = statesTotal(times);
  if (total === 0) return null;
  const parts: { state: string; at: number; width: number }[] = [];
  const words: string[] = [];
  let at = 0;
  for (const [number, state] of THREAD_STATES.entries()) {
    const time = times.byState[number]!;
    if (time <= 0) continue;
    const width = (WIDTH * time) / longest;
    parts.push({ state, at, width });
    words.push(`${stateTitle(state)} ${timeText(time)} (${shareText(time / total)})`);
    at += width;
  }
  const label = words.join(', ');
  return (
    <svg
      class="states"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      {parts.map(({ state, at: x, width }) => (
        <rect class={`state-${state}`} x={x.toFixed(2)} y="0" width={width.toFixed(2)} height={HEIGHT} />
      ))}
    </svg>
  );
}

/** The states that occur in at least one of the rows. */
export function StateLegend({ rows }: { readonly rows: readonly StateTimes[] }): Child {
  const used = THREAD_STATES.filter((_, number) => rows.some(({ byState }) => byState[number]! > 0));
  return (
    <ul class="legend" aria-label="Colours of the bars">
      {used.map((state) => (
        <li>
          <svg viewBox="0 0 10 10" aria-hidden="true">
            <rect class={`state-${state}`} width="10" height="10" />
          </svg>
          {stateTitle(state)}
        </li>
      ))}
    </ul>
  );
}
