/** Durations as bars on a logarithmic scale, side by side for all rows of a page. Each bar leads to what it counts. */
import { type Bucket, bucketBounds, countText, type Histogram, timeText } from '@ttrace/analysis';
import type { Child } from 'hono/jsx';

const BAR = 9;
const GAP = 2;
const HEIGHT = 36;
/** In pixels: bars of a longer scale are narrower, so that the figures beside them stay in the window. */
const MAX_WIDTH = 180;

/** The buckets that the bars of a page share, by their lower bounds in nanoseconds. */
type Scale = readonly number[];

/** The scale that holds all of these; empty where there are none. */
export function scaleOf(histograms: readonly (Histogram | undefined)[]): Scale {
  const ends = histograms.flatMap((histogram) =>
    histogram === undefined ? [] : [histogram[0]!.min, histogram.at(-1)!.min],
  );
  return ends.length === 0 ? [] : bucketBounds(Math.min(...ends), Math.max(...ends));
}

interface DistributionProps {
  readonly histogram: Histogram;
  readonly scale: Scale;
  /** Address of the rows of a bucket. */
  readonly hrefOf: (bucket: Bucket) => string | undefined;
}

/** The bars of a row, the highest as high as the row. */
export function Distribution({ histogram, scale, hrefOf }: DistributionProps): Child {
  const most = Math.max(...histogram.map(({ count }) => count));
  const width = scale.length * (BAR + GAP);
  return (
    <svg
      class="bars"
      width={Math.min(width, MAX_WIDTH)}
      height={HEIGHT}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      preserveAspectRatio="none"
    >
      <title>Distribution</title>
      {histogram
        .filter(({ count }) => count > 0)
        .map((bucket) => {
          const x = scale.indexOf(bucket.min) * (BAR + GAP);
          const height = Math.max(2, Math.round((HEIGHT * bucket.count) / most));
          const label = bucketText(bucket);
          const href = hrefOf(bucket);
          const bar = (
            <>
              <title>{label}</title>
              <rect class="room" x={x} y="0" width={BAR} height={HEIGHT} />
              <rect class="bar" x={x} y={HEIGHT - height} width={BAR} height={height} />
            </>
          );
          if (href === undefined) return <g>{bar}</g>;
          return (
            <a href={href} aria-label={label}>
              {bar}
            </a>
          );
        })}
    </svg>
  );
}

/** From where to where the bars reach, in words. */
export function scaleText(scale: Scale): string {
  return `Distribution from ${timeText(scale[0] ?? 0)} to over ${timeText(scale.at(-1) ?? 0)}`;
}

function bucketText({ min, max, count }: Bucket): string {
  return `${countText(count)} of ${timeText(min)}${max === undefined ? ' and more' : ` to ${timeText(max)}`}`;
}
