/** A connection to a SQLite file, on a worker of its own, because a query stops the thread that runs it. */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { trace } from '@ttrace/sdk';
import Database from 'libsql';

const ROWS = 70_000;
const QUERY = 'SELECT id, name, value FROM items WHERE name LIKE ? ORDER BY value * 7919 % 1009 LIMIT 10';

/** Answers one query at a time: the pool sees to that. */
export class Connection {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  static async open(file: string): Promise<Connection> {
    const worker = new Worker(new URL(import.meta.url), { workerData: file, name: 'database' });
    await once(worker, 'message');
    return new Connection(worker);
  }

  async query(pattern: string): Promise<unknown[]> {
    this.#worker.postMessage(pattern);
    return ((await once(this.#worker, 'message')) as [unknown[]])[0];
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Makes the table that all read. */
export function fillDatabase(file: string): void {
  const database = new Database(file);
  database.exec('CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, value INTEGER)');
  const insert = database.prepare('INSERT INTO items (name, value) VALUES (?, ?)');
  database.exec('BEGIN');
  for (let i = 1; i <= ROWS; i++) insert.run(`Item ${i}`, i * 10);
  database.exec('COMMIT');
  database.close();
}

function serve(file: string): void {
  const statement = new Database(file, { readonly: true }).prepare(QUERY);
  parentPort!.on('message', (pattern: string) => {
    parentPort!.postMessage(trace.withRegion('select', () => statement.all(pattern)));
  });
  parentPort!.postMessage('open');
}

if (!isMainThread) serve(workerData as string);
