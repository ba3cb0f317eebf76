/**
 * Draws the utilisation curve from the figures in the page, in the page's colours, and leads a click to the worst windows of its length.
 * uPlot is a classic script before this one.
 */
import type uPlotClass from 'uplot';

declare const uPlot: typeof uPlotClass;

const SERIES = [
  { label: 'minimum', colour: '--blocked' },
  { label: 'p99.9', colour: '--gc' },
  { label: 'p99', colour: '--waiting' },
  { label: 'p95', colour: '--running' },
] as const;

const TIME_UNITS = [
  ['s', 1e9],
  ['ms', 1e6],
  ['µs', 1e3],
  ['ns', 1],
] as const;

function timeText(nanos: number): string {
  const [unit, size] = TIME_UNITS.find(([, one]) => nanos >= one) ?? ['ns', 1];
  return `${Number((nanos / size).toPrecision(3))} ${unit}`;
}

function percent(share: number | null): string {
  return share === null ? '' : `${(share * 100).toFixed(1)} %`;
}

function colourOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Where the worst windows of a length are listed. */
function addressOf(nanos: number): string {
  const url = new URL(location.href);
  url.searchParams.set('window', `${nanos}ns`);
  url.hash = 'worst';
  return url.href;
}

/** A dashed line where the length lies of which the worst windows are listed. */
function markWindow(plot: uPlotClass, nanos: number): void {
  const { ctx, bbox } = plot;
  const x = Math.round(plot.valToPos(nanos, 'x', true));
  ctx.save();
  ctx.strokeStyle = colourOf('--accent');
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

function sizeOf(place: HTMLElement): { width: number; height: number } {
  return { width: place.clientWidth, height: Math.max(220, Math.min(380, place.clientWidth * 0.5)) };
}

function options(place: HTMLElement, data: readonly number[][]): uPlotClass.Options {
  const lengths = data[0]!;
  const selected = Number(place.dataset.window);
  const axis = {
    stroke: colourOf('--dim'),
    grid: { stroke: colourOf('--line') },
    ticks: { stroke: colourOf('--line') },
  };
  return {
    ...sizeOf(place),
    scales: {
      x: { distr: 3, time: false, range: () => [lengths[0]!, lengths.at(-1)!] },
      y: { range: () => [0, 1] },
    },
    axes: [
      {
        ...axis,
        // Those of the library begin at the shortest window, which is no round one.
        splits: () => ticks(lengths[0]!, lengths.at(-1)!),
        filter: (_, splits) => splits,
        values: (_, splits) => splits.map(timeText),
      },
      { ...axis, size: 58, values: (_, splits) => splits.map((share) => `${Math.round(share * 100)} %`) },
    ],
    series: [
      { label: 'window', value: (_, nanos) => (nanos === null ? '' : timeText(nanos)) },
      ...data.slice(1).map((_, at) => {
        const { label, colour } = SERIES[at]!;
        const series = {
          label,
          stroke: colourOf(colour),
          width: at === 0 ? 2.5 : 1.5,
          value: (_: unknown, share: number | null) => percent(share),
        };
        return at === 0 ? { ...series, fill: `${colourOf(colour)}22` } : { ...series, dash: [6, 3] };
      }),
    ],
    cursor: { y: false, drag: { x: false, y: false } },
    hooks: { draw: selected > 0 ? [(plot) => markWindow(plot, selected)] : [] },
  };
}

/** Powers of ten in a range; where there are few, 2 and 5 times as much as well. */
function ticks(from: number, to: number): number[] {
  const steps = to / from > 1e3 ? [1] : [1, 2, 5];
  const found: number[] = [];
  for (let decade = 10 ** Math.floor(Math.log10(from)); decade <= to; decade *= 10) {
    found.push(...steps.map((step) => step * decade).filter((tick) => tick >= from && tick <= to));
  }
  return found;
}

function draw(place: HTMLElement): uPlotClass {
  const data = JSON.parse(place.dataset.points!) as number[][];
  const plot = new uPlot(options(place, data), data as uPlotClass.AlignedData, place);
  plot.over.addEventListener('click', (event) => {
    const nanos = data[0]![plot.posToIdx(event.offsetX)];
    if (nanos !== undefined) location.assign(addressOf(nanos));
  });
  return plot;
}

const place = document.querySelector<HTMLElement>('#plot');
if (place !== null) {
  let plot = draw(place);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    plot.destroy();
    plot = draw(place);
  });
  new ResizeObserver(() => {
    if (Math.abs(plot.width - place.clientWidth) > 1) plot.setSize(sizeOf(place));
  }).observe(place);
}
