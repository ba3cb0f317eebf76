/**
 * The relations of traces in a DuckDB of this process alone: filled, then shut against files, network, extensions and changes of its settings. DuckDB is
 * an optional peer dependency, for it has 70 MB.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  RELATION_VIEWS,
  RELATIONS,
  type Relation,
  type RelationType,
  type RelationValue,
  type TraceIndex,
} from '@ttrace/analysis';
import { Failure, fileReason } from './failure.ts';

type DuckDb = typeof import('@duckdb/node-api');
type Connection = import('@duckdb/node-api').DuckDBConnection;

/** A database that can be filled and then only be asked. */
export interface QueryDatabase {
  readonly connection: Connection;
  /** Adds all of a trace. */
  add(file: string, index: TraceIndex): Promise<void>;
  /** Adds the Parquet files that `ttrace export` wrote into a directory. @throws Failure when there are none. */
  addParquet(directory: string): Promise<void>;
  /** Makes the views, and shuts the database against everything outside it. Nothing can be added afterwards. */
  shut(): Promise<void>;
  close(): void;
}

const SETTINGS = {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
};
/** What to install. */
const PACKAGE = '@duckdb/node-api';
const SQL_TYPES: Readonly<Record<RelationType, string>> = {
  int64: 'BIGINT',
  double: 'DOUBLE',
  text: 'VARCHAR',
  json: 'VARCHAR',
};
/** Rows of one chunk: all that DuckDB takes at once. */
const CHUNK_ROWS = 2048;

/** An empty database. @throws Failure that says how to install DuckDB when it is not. */
export async function openQueryDatabase(): Promise<QueryDatabase> {
  const library = await loadDuckDb();
  const instance = await library.DuckDBInstance.create(':memory:', SETTINGS);
  const connection = await instance.connect();
  for (const { name, columns } of RELATIONS) {
    const all = columns.map((column) => `${column.name} ${SQL_TYPES[column.type]}`);
    await connection.run(`CREATE TABLE ${name} (${all.join(', ')}, file VARCHAR)`);
  }
  return {
    connection,
    add: async (file, index) => {
      for (const relation of RELATIONS) await addRelation(library, connection, relation, index, file);
    },
    addParquet: (directory) => addParquet(connection, directory),
    shut: async () => {
      for (const { name, sql } of RELATION_VIEWS) await connection.run(`CREATE VIEW ${name} AS ${sql}`);
      await connection.run('SET enable_external_access = false');
      await connection.run('SET lock_configuration = true');
    },
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

async function loadDuckDb(): Promise<DuckDb> {
  try {
    return await import('@duckdb/node-api');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isAbsent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    if (isAbsent && message.includes(PACKAGE)) {
      throw new Failure(`queries need DuckDB (70 MB), which is not installed: npm install ${PACKAGE}`);
    }
    throw new Failure(`DuckDB cannot be loaded (${message.split('\n', 1)[0]}): npm install ${PACKAGE}`);
  }
}

async function addRelation(
  { DuckDBDataChunk, BIGINT, DOUBLE, VARCHAR }: DuckDb,
  connection: Connection,
  relation: Relation,
  index: TraceIndex,
  file: string,
): Promise<void> {
  const kinds = { int64: BIGINT, double: DOUBLE, text: VARCHAR, json: VARCHAR };
  const types = [...relation.columns.map(({ type }) => kinds[type]), VARCHAR];
  const appender = await connection.createAppender(relation.name);
  for (const { length, values } of relation.batches(index, CHUNK_ROWS)) {
    const chunk = DuckDBDataChunk.create(types, length);
    relation.columns.forEach(({ type }, at) => {
      const column = values[at]!;
      chunk.setColumnValues(
        at,
        type === 'int64' ? column.map(bigIntOf) : type === 'json' ? column.map(textOf) : column.map(plain),
      );
    });
    chunk.setColumnValues(types.length - 1, new Array<string>(length).fill(file));
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

function bigIntOf(value: RelationValue): bigint | null {
  return value === null ? null : BigInt(value as number | bigint);
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function textOf(value: RelationValue): string | null {
  return value === null ? null : decoder.decode(value as Uint8Array);
}

function plain(value: RelationValue): string | number | null {
  return value as string | number | null;
}

async function addParquet(connection: Connection, directory: string): Promise<void> {
  const names = new Set(filesIn(directory));
  const known = RELATIONS.filter(({ name }) => names.has(`${name}.parquet`));
  if (known.length === 0) {
    throw new Failure(
      `${directory} has no Parquet files of ttrace, such as slices.parquet: write them with ttrace export FILE --parquet ${directory}`,
    );
  }
  for (const { name, columns } of known) {
    const path = join(directory, `${name}.parquet`);
    const all = columns.map((column) => column.name).join(', ');
    await connection
      .run(`INSERT INTO ${name} SELECT ${all}, $directory FROM read_parquet($path)`, { directory, path })
      .catch((error: unknown) => {
        throw new Failure(`cannot read ${path}: ${(error as Error).message.split('\n', 1)[0]}`);
      });
  }
}

function filesIn(directory: string): readonly string[] {
  try {
    if (!statSync(directory).isDirectory()) {
      throw new Failure(`${directory} is a file: --parquet takes the directory that ttrace export wrote`, 2);
    }
    return readdirSync(directory);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`cannot read ${directory}: ${fileReason(error)}`);
  }
}
