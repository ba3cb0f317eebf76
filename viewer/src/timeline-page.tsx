/** Turns the query of `/timeline` into what is shown: a Perfetto UI on the whole trace or a stretch, or a choice of stretches. */
import { chosenTask, indexOf, type Task } from '@ttrace/analysis';
import { parseTime } from '@ttrace/format';
import type { Child } from 'hono/jsx';
import { navigation } from './navigation.ts';
import { NothingToDraw } from './pages/nothing-to-draw.tsx';
import { Pieces } from './pages/pieces.tsx';
import { Timeline } from './pages/timeline.tsx';
import { contentWithin } from './pieces.ts';
import { FIRST_EVENT_NANOS, type Subject } from './subject.ts';
import { formatCount, formatTime, timeInUrl } from './time-text.ts';
import type { TimeSpan } from './timeline-path.ts';

/** Perfetto v20.1 cuts a trace into a hundred whole nanoseconds or more for its overview, and fails where there are fewer. */
const MIN_EXTENT_NANOS = 100;

/** A page and its status. */
export interface Rendered {
  readonly markup: Child;
  readonly status: 200 | 400;
  /** Whether this is all there is to see: the trace holds nothing to draw, and none will be asked for. */
  readonly isAll: boolean;
}

/** Which Perfetto UI stands in the frame: where it is served, and whether it is the user's own build. */
export interface PerfettoUi {
  readonly origin: string;
  readonly isCustom: boolean;
}

/**
 * Reads the two ends of a stretch. A missing start is the first event, a missing end the last one.
 *
 * @returns undefined when neither is given, 'bad' when one is no time or they are the wrong way round.
 */
export function spanOf(
  startText: string | undefined,
  endText: string | undefined,
  duration: number,
): TimeSpan | undefined | 'bad' {
  if (startText === undefined && endText === undefined) return undefined;
  const start = startText === undefined ? 0 : parseTime(startText);
  const end = endText === undefined ? duration : parseTime(endText);
  return start === undefined || end === undefined || start >= end ? 'bad' : { start, end };
}

/** The task that `task` names by its number; undefined when none is named, 'bad' when there is no such task. */
export function focusOf(subject: Subject, text: string | undefined): Task | undefined | 'bad' {
  if (text === undefined) return undefined;
  return chosenTask(indexOf(subject.trace), { task: `#${text}` }) ?? 'bad';
}

/**
 * Renders `/timeline`. `start` and `end` zoom; `from` and `to` say which stretch is loaded at all, `task` that only a task and those below
 * it are.
 */
export function renderTimeline(
  subject: Subject,
  query: Readonly<Record<string, string>>,
  ui: PerfettoUi,
): Rendered {
  const { duration } = subject.facts;
  const focus = focusOf(subject, query.task);
  if (focus !== undefined) return taskTimeline(subject, focus, query, ui);
  const zoom = spanOf(query.start, query.end, duration);
  let loaded = spanOf(query.from, query.to, duration);
  if (zoom === 'bad' || loaded === 'bad') {
    return choice(subject, 'A stretch is two times such as 1.5s, 300ms or 20us, the earlier one first.', 400);
  }
  if (subject.inPieces) {
    loaded ??= zoom;
    if (loaded === undefined) return choice(subject, '', 200);
  }
  const { events, extent } = contentOf(subject, loaded);
  if (subject.inPieces && events > subject.maxEvents) {
    return choice(subject, tooMany(events, subject.maxEvents), 200);
  }
  if (extent < MIN_EXTENT_NANOS) return nothing(subject, events, loaded !== undefined);
  const part = loaded && {
    query: `?from=${timeInUrl(loaded.start)}&to=${timeInUrl(loaded.end)}`,
    note: `${formatTime(loaded.start)} to ${formatTime(loaded.end)}`,
  };
  return { markup: hostPage(subject, zoom ?? loaded, part, ui), status: 200, isAll: false };
}

/** The timeline of one task and all below it. */
function taskTimeline(
  subject: Subject,
  focus: Task | 'bad',
  query: Readonly<Record<string, string>>,
  ui: PerfettoUi,
): Rendered {
  const nav = navigation(subject, 'timeline');
  if (focus === 'bad') {
    const reason = `This trace has no task ${query.task}.`;
    return {
      markup: <NothingToDraw title={subject.title} reason={reason} nav={nav} />,
      status: 400,
      isAll: false,
    };
  }
  const { start: first, duration } = subject.facts;
  const zoom = spanOf(query.start, query.end, duration);
  const whole = {
    start: focus.start - first,
    end: Math.max(focus.end - first, focus.start - first + MIN_EXTENT_NANOS),
  };
  const part = {
    query: `?task=${focus.number}`,
    note: `task ${focus.name} #${focus.number} and its subtasks`,
  };
  return {
    markup: hostPage(subject, zoom === 'bad' ? whole : (zoom ?? whole), part, ui),
    status: 200,
    isAll: false,
  };
}

/** @param part what of the trace is loaded, all of it when undefined. */
function hostPage(
  subject: Subject,
  shown: TimeSpan | undefined,
  part: { readonly query: string; readonly note: string } | undefined,
  ui: PerfettoUi,
): Child {
  return (
    <Timeline
      title={subject.title}
      fileName={subject.fileName}
      traceUrl={`/trace.pftrace${part?.query ?? ''}`}
      uiUrl={ui.isCustom ? `${ui.origin}/#!/?mode=embedded` : '/ui/boot'}
      uiOrigin={ui.origin}
      zoom={shown && { start: perfettoSeconds(shown.start), end: perfettoSeconds(shown.end) }}
      note={part?.note ?? ''}
      inPieces={subject.inPieces}
    />
  );
}

function choice(subject: Subject, refusal: string, status: 200 | 400): Rendered {
  const { title, maxEvents, facts, pieces } = subject;
  const { events, duration } = facts;
  const nav = navigation(subject, 'timeline');
  return {
    markup: <Pieces {...{ title, events, maxEvents, duration, pieces, refusal, nav }} />,
    status,
    isAll: false,
  };
}

function contentOf(subject: Subject, loaded: TimeSpan | undefined): { events: number; extent: number } {
  const { start, duration, events } = subject.facts;
  if (loaded === undefined) return { events, extent: duration };
  return contentWithin(subject.trace, start + loaded.start, start + loaded.end);
}

function nothing(subject: Subject, events: number, isStretch: boolean): Rendered {
  const what = isStretch ? 'This stretch' : 'This trace';
  const reason =
    events === 0
      ? `${what} holds no events.`
      : `${what} holds ${formatCount(events)} ${events === 1 ? 'event' : 'events'} of one moment: too little to draw.`;
  const nav = navigation(subject, 'timeline');
  return {
    markup: <NothingToDraw title={subject.title} reason={reason} nav={nav} />,
    status: 200,
    isAll: !isStretch,
  };
}

function tooMany(held: number, limit: number): string {
  return `That stretch holds ${formatCount(held)} events; one timeline takes ${formatCount(limit)}. Choose a shorter one.`;
}

function perfettoSeconds(nanosSinceFirst: number): number {
  return (FIRST_EVENT_NANOS + nanosSinceFirst) / 1e9;
}
