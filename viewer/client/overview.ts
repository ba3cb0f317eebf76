/**
 * The strip over the timeline that shows the whole trace and which part of it is in the window, beside the window's
 * position and length. The bundled Perfetto computes the strip's data but its build lacks the panel that draws it.
 */
import type { Bundle } from './perfetto-bundle.ts';

const STRIP_HEIGHT = 47;

/** Draws the strip from now on, and lets it be dragged over to zoom. */
export function drawOverview(bundle: Bundle): void {
  const canvas = document.querySelector<HTMLCanvasElement>('#overview')!;
  const times = document.querySelector<HTMLElement>('#window-times')!;
  const { globals } = bundle;
  globals.rafScheduler.addRedrawCallback(() => {
    const isReady = Object.values(globals.state.engines)[0]?.ready === true;
    canvas.hidden = times.hidden = !isReady;
    if (!isReady) return;
    const { start, end } = globals.frontendLocalState.visibleWindowTime;
    const { startSec } = globals.state.traceTime;
    times.textContent = `${duration(end - start)} shown\nfrom ${duration(start - startSec)}`;
    drawStrip(bundle, canvas);
  });
  zoomByDragging(bundle, canvas);
}

function drawStrip({ globals }: Bundle, canvas: HTMLCanvasElement): void {
  const width = canvas.clientWidth;
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(STRIP_HEIGHT * ratio);
  }
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, STRIP_HEIGHT);
  const { startSec, endSec } = loadedBounds(globals);
  const x = (time: number) => ((time - startSec) / (endSec - startSec)) * width;
  const rows = [...globals.overviewStore.values()];
  const rowHeight = Math.max(2, (STRIP_HEIGHT - 6) / Math.max(1, rows.length));
  rows.forEach((loads, index) => {
    for (const { startSec: from, endSec: to, load } of loads) {
      context.fillStyle = `hsla(${(205 + index * 67) % 360}, 45%, 42%, ${Math.min(1, 0.08 + load * 0.8)})`;
      context.fillRect(x(from), 3 + index * rowHeight, Math.max(1, x(to) - x(from)), rowHeight - 1);
    }
  });
  const { start, end } = globals.frontendLocalState.visibleWindowTime;
  const left = Math.max(0, x(start));
  const right = Math.min(width, x(end));
  context.fillStyle = 'rgba(40, 55, 80, 0.16)';
  context.fillRect(0, 0, left, STRIP_HEIGHT);
  context.fillRect(right, 0, width - right, STRIP_HEIGHT);
  context.strokeStyle = '#2f5d8a';
  context.strokeRect(left + 0.5, 0.5, Math.max(1, right - left - 1), STRIP_HEIGHT - 1);
}

/** What the strip spans: the loaded events, which in a stretch of a large trace begin long after the trace's time 0. */
function loadedBounds({ state, overviewStore }: Bundle['globals']): { startSec: number; endSec: number } {
  let first = Infinity;
  for (const loads of overviewStore.values()) first = Math.min(first, loads[0]?.startSec ?? Infinity);
  const { startSec, endSec } = state.traceTime;
  return { startSec: first < endSec ? Math.max(first, startSec) : startSec, endSec };
}

function zoomByDragging({ globals }: Bundle, canvas: HTMLCanvasElement): void {
  const Span = globals.frontendLocalState.visibleWindowTime.constructor as new (
    a: number,
    b: number,
  ) => never;
  const show = (start: number, end: number) => {
    globals.frontendLocalState.updateVisibleTime(new Span(start, end));
    globals.rafScheduler.scheduleRedraw();
  };
  const timeAt = (event: PointerEvent) => {
    const { left, width } = canvas.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
    const { startSec, endSec } = loadedBounds(globals);
    return startSec + share * (endSec - startSec);
  };
  canvas.addEventListener('pointerdown', (down) => {
    const from = timeAt(down);
    canvas.setPointerCapture(down.pointerId);
    const move = (event: PointerEvent) => {
      const to = timeAt(event);
      if (Math.abs(to - from) > 1e-8) show(Math.min(from, to), Math.max(from, to));
    };
    canvas.addEventListener('pointermove', move);
    canvas.addEventListener('pointerup', () => canvas.removeEventListener('pointermove', move), {
      once: true,
    });
  });
  canvas.addEventListener('dblclick', () => {
    const { startSec, endSec } = loadedBounds(globals);
    show(startSec, endSec);
  });
}

function duration(seconds: number): string {
  const size = Math.abs(seconds);
  if (size < 5e-10) return '0 s';
  if (size >= 1) return `${seconds.toFixed(3)} s`;
  if (size >= 1e-3) return `${(seconds * 1e3).toFixed(3)} ms`;
  return `${(seconds * 1e6).toFixed(3)} µs`;
}
