/** Each counter's samples: how many, smallest, mean, largest, last. */
import { EventKind, type Trace } from '@ttrace/format';

/** One series of a counter. */
export interface CounterStats {
  readonly pid: number;
  readonly name: string;
  /** '' when the file states none. */
  readonly unit: string;
  readonly samples: number;
  readonly min: number;
  /** Mean of the samples, not weighted by time. */
  readonly mean: number;
  readonly max: number;
  /** The sample latest in time, of several the last in the file. */
  readonly last: number;
}

interface Series {
  readonly track: number;
  readonly name: number;
  samples: number;
  min: number;
  max: number;
  sum: number;
  last: number;
  lastTime: number;
}

/** All counters, in the order of their first sample. */
export function counterStats(trace: Trace): CounterStats[] {
  const { kind, start, value, track, name } = trace.columns;
  // A track may hold several series, told apart by the event's name.
  const byTrack = new Map<number, Map<number, Series>>();
  const all: Series[] = [];
  for (let row = 0; row < trace.length; row++) {
    if (kind[row] !== EventKind.counter) continue;
    let ofTrack = byTrack.get(track[row]!);
    if (ofTrack === undefined) {
      ofTrack = new Map();
      byTrack.set(track[row]!, ofTrack);
    }
    let series = ofTrack.get(name[row]!);
    if (series === undefined) {
      series = {
        track: track[row]!,
        name: name[row]!,
        samples: 0,
        min: Infinity,
        max: -Infinity,
        sum: 0,
        last: 0,
        lastTime: -Infinity,
      };
      ofTrack.set(name[row]!, series);
      all.push(series);
    }
    addSample(series, start[row]!, value[row]!);
  }
  return all.map((series) => {
    const { pid, unit, name: trackName } = trace.tracks[series.track]!;
    return {
      pid,
      name: trace.strings.text(series.name) || trackName,
      unit,
      samples: series.samples,
      min: series.min,
      mean: series.sum / series.samples,
      max: series.max,
      last: series.last,
    };
  });
}

function addSample(series: Series, time: number, value: number): void {
  series.samples++;
  series.sum += value;
  if (value < series.min) series.min = value;
  if (value > series.max) series.max = value;
  if (time >= series.lastTime) {
    series.last = value;
    series.lastTime = time;
  }
}
