/**
 * The JavaScript of the packages that run in users' processes: one file for each way in, and few that they share. Node.js takes a
 * millisecond and more to load a module, and every thread that is recorded loads them. Their declarations are tsc's.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

/** What a package exports, and what its own threads and hooks begin with. */
function bundle(directory, threads = []) {
  const path = (name) => fileURLToPath(new URL(`packages/${directory}/${name}`, import.meta.url));
  const { exports } = JSON.parse(readFileSync(path('package.json'), 'utf8'));
  const exported = Object.values(exports).flatMap(
    (way) => /^\.\/dist\/(.+)\.js$/.exec(way.default)?.[1] ?? [],
  );
  return {
    input: Object.fromEntries([...exported, ...threads].map((name) => [name, path(`src/${name}.ts`)])),
    // Other packages have files of their own, which the read side uses as well.
    external: [/^node:/, /^@ttrace\//],
    platform: 'neutral',
    treeshake: false,
    optimization: { inlineConst: false },
    transform: { target: 'es2023' },
    // All in one directory: stacks are read by where a file lies (own-files.ts).
    output: { dir: path('dist'), chunkFileNames: 'chunk-[name].js', sourcemap: true },
  };
}

const sdk = (name) => fileURLToPath(new URL(`packages/sdk/${name}`, import.meta.url));

await build([
  bundle('format'),
  bundle('sdk', [
    ...['collector', 'whole-run', 'child-run', 'worker-start', 'attach/waiting-worker', 'attach/late-worker'],
    // Measured and tested by themselves.
    ...['stack-sampler', 'flight/window'],
  ]),
  {
    input: sdk('src/register.cts'),
    // It decides what to load.
    external: [/^\./, /^node:/],
    platform: 'neutral',
    output: { file: sdk('dist/register.cjs'), format: 'cjs', sourcemap: true },
  },
]);
