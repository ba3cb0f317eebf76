/**
 * Finds where code stood before it was compiled, by the source map that its file names, as a comment at its end or beside it.
 * Reads files, so it has its place in the collector, not in the user's threads.
 */
import { readFileSync, statSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface SourcePosition {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** Bigger files and maps are left as they are: reading them would keep the collector from its work. */
const MAX_BYTES = 32 << 20;
const MAX_MAPS = 200;

interface LoadedMap {
  readonly map: SourceMap;
  /** What its sources are relative to. */
  readonly directory: string;
}

const maps = new Map<string, LoadedMap | undefined>();

/** @param file absolute path. @param line from 1. @param column from 1. */
export function sourcePosition(file: string, line: number, column: number): SourcePosition | undefined {
  if (!maps.has(file)) {
    if (maps.size >= MAX_MAPS) maps.clear();
    maps.set(file, loadMap(file));
  }
  const loaded = maps.get(file);
  if (loaded === undefined) return undefined;
  const entry = entryAt(loaded.map, line, column);
  if (entry === undefined || !('originalSource' in entry) || typeof entry.originalSource !== 'string')
    return undefined;
  return {
    file: sourceFile(entry.originalSource, loaded.directory),
    line: entry.originalLine + 1,
    column: entry.originalColumn + 1,
  };
}

function entryAt(
  map: SourceMap,
  line: number,
  column: number,
): ReturnType<SourceMap['findEntry']> | undefined {
  try {
    return map.findEntry(line - 1, column - 1);
  } catch {
    // It is decoded only now, and need not be what it says.
    return undefined;
  }
}

function loadMap(file: string): LoadedMap | undefined {
  try {
    if (statSync(file).size > MAX_BYTES) return undefined;
    const address = lastAddress(readFileSync(file, 'utf8'));
    if (address === undefined) return undefined;
    const inline = /^data:application\/json[^,]*?(;base64)?,/.exec(address);
    if (inline !== null) {
      const data = address.slice(inline[0].length);
      const text =
        inline[1] === undefined ? decodeURIComponent(data) : Buffer.from(data, 'base64').toString();
      return { map: new SourceMap(JSON.parse(text)), directory: dirname(file) };
    }
    const path = resolve(dirname(file), decodeURIComponent(address));
    if (statSync(path).size > MAX_BYTES) return undefined;
    return { map: new SourceMap(JSON.parse(readFileSync(path, 'utf8'))), directory: dirname(path) };
  } catch {
    // No file (eval, a bundle in memory), no map, or one that is broken: the compiled place is still right.
    return undefined;
  }
}

/** What the last comment of that kind names; one in a text of the program does not count. */
function lastAddress(text: string): string | undefined {
  const at = text.lastIndexOf('//# sourceMappingURL=');
  if (at < 0) return undefined;
  const match = /^\/\/# sourceMappingURL=(\S+)\s*$/.exec(text.slice(at));
  return match?.[1];
}

/** The path of a file's address; what is none stays as it is. */
export function filePath(address: string): string {
  if (!address.startsWith('file:')) return address;
  try {
    return fileURLToPath(address);
  } catch {
    // Made up by a loader.
    return address;
  }
}

function sourceFile(source: string, directory: string): string {
  if (source.startsWith('file:')) return filePath(source);
  return /^[a-z][a-z0-9+.-]+:/.test(source) ? source : resolve(directory, source);
}
