/** The tasks of tests: begun and ended by what runs them, whichever that is. */
import { fileURLToPath } from 'node:url';
import { attributesText } from '../attributes.ts';
import { RecordKind } from '../ring.ts';
import { nameId, nextId, now, record, recordWith } from '../thread-recorder.ts';

/** What became of a test or a suite. */
export interface TestOutcome {
  readonly status: 'passed' | 'failed' | 'skipped' | 'todo';
  /** Any error, as the test threw it. */
  readonly error?: unknown;
  /** Times it was tried again. */
  readonly retries?: number | undefined;
}

/** Characters kept of an error: the first lines say what is wrong, a diff of large objects follows. */
const MAX_ERROR = 1000;

/** Begins the task of a test. @param file path or address of the file that it stands in, '' if not known. */
export function beginTest(id: number, parent: number, name: string, file: string): void {
  recordWith(
    attributesText(file === '' ? {} : { file: pathOf(file) }),
    0,
    0,
    RecordKind.taskBegin,
    nameId(name),
    id,
    now(),
    parent,
  );
}

/** Ends it. */
export function endTest(id: number, name: string, { status, error, retries }: TestOutcome): void {
  const attributes = {
    status,
    error: error === undefined || error === null ? undefined : messageOf(error),
    retries: retries === 0 ? undefined : retries,
  };
  recordWith(attributesText(attributes), 0, 0, RecordKind.taskEnd, nameId(name), id, now(), 0);
}

/** Records what a hook of the test runner takes, from here until the result is called. */
export function beginHook(label: number, task: number): () => void {
  const [id, start] = [nextId(), now()];
  recordWith('', id, 0, RecordKind.asyncBegin, label, task, start, start);
  return () => record(RecordKind.asyncEnd, label, task, now(), id);
}

function pathOf(file: string): string {
  try {
    return file.startsWith('file:') ? fileURLToPath(file) : file;
  } catch {
    return file;
  }
}

function messageOf(error: unknown): string {
  let text: string;
  try {
    const { message } = error as { message?: unknown };
    text = typeof message === 'string' && message !== '' ? message : String(error);
  } catch {
    text = '[unreadable]';
  }
  return text.length <= MAX_ERROR ? text : `${text.slice(0, MAX_ERROR)}…`;
}
