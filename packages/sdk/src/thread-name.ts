/** What a thread is called in a trace: `main`, `worker 3 resize.js`. */
import { basename } from 'node:path';
import { getEnvironmentData, isMainThread, setEnvironmentData, threadId } from 'node:worker_threads';

const KEY = 'ttrace/worker-name';
const MAKER_KEY = 'ttrace/worker-maker';
const MAX_LENGTH = 100;
/** Label of the worker that is being constructed, '' while there is none. */
let labelInCreation = '';
/** What it is given. */
let optionsInCreation: unknown;

/** Name of this thread. Workers are called by their number and by the name or the file that they were given. */
export function threadName(): string {
  if (isMainThread) return 'main';
  const label = getEnvironmentData(KEY);
  return workerName(threadId, typeof label === 'string' ? label : '');
}

/** Tells this worker, whose constructor did not, what it is called. */
export function giveWorkerLabel(label: string): void {
  if (typeof getEnvironmentData(KEY) !== 'string') setEnvironmentData(KEY, label.slice(0, MAX_LENGTH));
}

/** The thread that made this one, 0 = main or not known. */
export function makerThreadId(): number {
  const id = getEnvironmentData(MAKER_KEY);
  return typeof id === 'number' ? id : 0;
}

/** Name of a worker, as its own track has it. */
export function workerName(id: number, label: string): string {
  return label === '' ? `worker ${id}` : `worker ${id} ${label}`;
}

/** Label of the worker whose construction is going on in this thread; '' of one that Node's own constructor makes. */
export function newWorkerLabel(): string {
  return labelInCreation;
}

/** Options of that worker, as the program gave them. */
export function newWorkerOptions(): unknown {
  return optionsInCreation;
}

/** Runs `create`, which makes a Worker, so that the worker will know its label and its maker: environment data is copied at creation. */
export function withWorkerLabel<T>(file: unknown, options: unknown, create: () => T): T {
  const own = getEnvironmentData(KEY);
  const ownMaker = getEnvironmentData(MAKER_KEY);
  labelInCreation = workerLabel(file, options);
  optionsInCreation = options;
  setEnvironmentData(KEY, labelInCreation);
  setEnvironmentData(MAKER_KEY, threadId);
  try {
    return create();
  } finally {
    labelInCreation = '';
    optionsInCreation = undefined;
    setEnvironmentData(KEY, own);
    setEnvironmentData(MAKER_KEY, ownMaker);
  }
}

function workerLabel(file: unknown, options: unknown): string {
  const { name, eval: isEval } = (options ?? {}) as { name?: unknown; eval?: unknown };
  if (typeof name === 'string' && name !== '' && name !== 'WorkerThread') return name.slice(0, MAX_LENGTH);
  if (isEval === true) return '[eval]';
  const path = file instanceof URL ? (file.protocol === 'data:' ? '[data]' : file.pathname) : String(file);
  return basename(path).slice(0, MAX_LENGTH);
}
