/**
 * What belongs to a task: its slices and its subtasks', what runs in handlers of its messages, and the handlers in which something of it
 * runs; each with the arrow that led to it.
 */
import { Category, EventKind } from '@ttrace/format';
import { arrowsFrom, arrowsOf, arrowsTo } from './arrows.ts';
import { type Task, tasksOf, withDescendants } from './tasks.ts';
import type { Thread, TraceIndex } from './trace-index.ts';

/** Something that belongs to the task, with where it came from. */
export interface Piece {
  readonly row: number;
  readonly start: number;
  readonly end: number;
  readonly kind: 'running' | 'waiting' | 'async';
  readonly track: number;
  readonly thread: Thread | undefined;
  /** The arrow that ends at its begin, if there is one. */
  readonly sender: Sender | undefined;
}

export interface Sender {
  readonly time: number;
  readonly track: number;
  readonly name: string;
  /** Or somebody who let go of what was waited for. */
  readonly isMessage: boolean;
}

/** All slices of a task and its subtasks but the tasks themselves, by begin. */
export function piecesOf(index: TraceIndex, task: Task): Piece[] {
  const { kind: kinds, category, start, track } = index.trace.columns;
  const taskCategory = index.category(Category.task);
  const wait = index.category(Category.wait);
  const pieces: Piece[] = [];
  for (const each of withDescendants(task)) {
    for (const row of tasksOf(index).eventsOf(each)) {
      if (kinds[row] !== EventKind.slice || category[row] === taskCategory) continue;
      const thread = index.threadOf(track[row]!);
      const end = Math.min(index.endOf(row), task.end);
      if (start[row]! >= task.end || end <= task.start) continue;
      const kind = category[row] === wait ? 'waiting' : thread === undefined ? 'async' : 'running';
      pieces.push(pieceOf(index, row, end, kind, thread));
    }
  }
  pieces.push(...handledFor(index, task, pieces));
  pieces.push(...handlersAround(index, task, pieces));
  return pieces.sort((a, b) => a.start - b.start || b.end - a.end || a.row - b.row);
}

function pieceOf(
  index: TraceIndex,
  row: number,
  end: number,
  kind: Piece['kind'],
  thread: Thread | undefined,
): Piece {
  const { start, track } = index.trace.columns;
  return { row, start: start[row]!, end, kind, track: track[row]!, thread, sender: senderOf(index, row) };
}

/** A message, and the answer to it. */
const HOPS = 2;

/** What runs in handlers of the task's messages, and of the answers to these, and belongs to no other task. */
function handledFor(index: TraceIndex, task: Task, pieces: readonly Piece[]): Piece[] {
  const { category, start, track } = index.trace.columns;
  const arrows = arrowsOf(index);
  const [message, wait] = [index.category(Category.message), index.category(Category.wait)];
  const own = new Set(pieces.map(({ row }) => row));
  const found: Piece[] = [];
  let senders: readonly number[] = [...own];
  for (let hop = 0; hop < HOPS && senders.length > 0; hop++) {
    const next: number[] = [];
    for (const at of senders.flatMap((sender) => [...arrowsFrom(index, sender)])) {
      const handler = arrows.inSlice[at]!;
      if (handler < 0 || own.has(handler)) continue;
      if (category[handler] !== message || index.taskOf(handler) !== 0) continue;
      for (const row of slicesIn(index, handler)) {
        const end = Math.min(index.endOf(row), task.end);
        if (own.has(row) || index.taskOf(row) !== 0 || start[row]! >= task.end || end <= task.start) continue;
        own.add(row);
        next.push(row);
        const thread = index.threadOf(track[row]!);
        const kind = category[row] === wait ? 'waiting' : 'running';
        found.push(pieceOf(index, row, end, kind, thread));
      }
    }
    senders = next;
  }
  return found;
}

/** A slice, and those that lie in it on its track. */
function slicesIn(index: TraceIndex, row: number): number[] {
  const { start, track } = index.trace.columns;
  const end = index.endOf(row);
  const found: number[] = [];
  for (const each of index.slicesFrom(track[row]!, start[row]!)) {
    if (start[each]! >= end) break;
    // Before it stand those of the same begin that contain it.
    if (each === row || found.length > 0) found.push(each);
  }
  return found.length > 0 ? found : [row];
}

/** What handles a message of the task need not belong to it itself: it does from its begin to the last of the task's slices in it. */
function handlersAround(index: TraceIndex, task: Task, pieces: readonly Piece[]): Piece[] {
  const { start, track } = index.trace.columns;
  const own = new Set(pieces.map(({ row }) => row));
  const handlers = new Map<number, Piece>();
  for (const piece of pieces) {
    if (piece.thread === undefined) continue;
    for (let row = index.parentOf(piece.row); row >= 0 && !own.has(row); row = index.parentOf(row)) {
      const sender = senderOf(index, row);
      if (sender === undefined || sender.time < task.start) continue;
      const end = Math.max(piece.end, handlers.get(row)?.end ?? 0);
      handlers.set(row, {
        row,
        start: start[row]!,
        end,
        kind: 'running',
        track: track[row]!,
        thread: piece.thread,
        sender,
      });
      break;
    }
  }
  return [...handlers.values()];
}

/** The arrow that ends at the begin of a slice. */
function senderOf(index: TraceIndex, row: number): Sender | undefined {
  const { outTime, outTrack, outSlice } = arrowsOf(index);
  const at = arrowsTo(index, row).findLast((arrow) => !Number.isNaN(outTime[arrow]!));
  if (at === undefined) return undefined;
  const from = index.threadOf(outTrack[at]!);
  const what = outSlice[at]! < 0 ? 'message' : index.nameOf(outSlice[at]!);
  const isMessage = index.trace.columns.category[row] === index.category(Category.message);
  const name = isMessage
    ? wayOf(what, from, index.threadOf(index.trace.columns.track[row]!))
    : `${what}${from === undefined ? '' : ` by ${from.name}`}`;
  return { time: outTime[at]!, track: outTrack[at]!, name, isMessage };
}

/** `postMessage main → worker 2`. */
export function wayOf(what: string, from: Thread | undefined, to: Thread | undefined): string {
  const ends = [from?.name ?? '', to?.name ?? ''].filter((name) => name !== '');
  return [what, ends.join(' → ')].filter((text) => text !== '').join(' ');
}
