/**
 * The JavaScript of the packages that run in users' processes: one file for each way in, and few that they share. Node.js takes a
 * millisecond and more to load a module, and every thread that is recorded loads them. Their declarations are tsc's.
 *
 * What workers load is CommonJS, the SDK's with what it needs of `format` in it, and an ES module for each way in that hands on what that
 * has: Node.js 20 and 22 abort the process when a worker is ended in the middle of a `require` of ES modules.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const path = (name) => fileURLToPath(new URL(`packages/${name}`, import.meta.url));

/** What a package exports, and what its own threads and hooks begin with. */
function bundle(directory, threads, options, output) {
  const { exports } = JSON.parse(readFileSync(path(`${directory}/package.json`), 'utf8'));
  const exported = Object.values(exports).flatMap(
    (way) => /^\.\/dist\/(.+)\.js$/.exec(way.default)?.[1] ?? [],
  );
  return {
    input: Object.fromEntries(
      [...exported, ...threads].map((name) => [name, path(`${directory}/src/${name}.ts`)]),
    ),
    external: [/^node:/],
    treeshake: false,
    optimization: { inlineConst: false },
    transform: {
      target: 'es2023',
      define: output.format === 'cjs' ? { 'import.meta.url': 'ownAddress' } : {},
    },
    ...options,
    // All in one directory: stacks are read by where a file lies (own-files.ts).
    output: { dir: path(`${directory}/dist`), sourcemap: true, comments: false, ...output },
  };
}

const format = bundle('format', [], { platform: 'neutral' }, { chunkFileNames: 'chunk-[name].js' });

/** Where a file is: in what others have bundled, where that is not known, there are none of ours beside it. */
const ADDRESS =
  "typeof __filename === 'string' ? require('node:url').pathToFileURL(__filename).href : 'file:///ttrace/sdk/dist/bundled.js'";
const COMMONJS = {
  format: 'cjs',
  // As the sources are: what is patched is called with the program's own `this`.
  strict: true,
  entryFileNames: '[name].cjs',
  chunkFileNames: 'chunk-[name].cjs',
  intro: `const ownAddress = ${ADDRESS};`,
};

const sdk = bundle(
  'sdk',
  [
    ...['collector', 'whole-run', 'child-run', 'worker-start', 'attach/waiting-worker', 'attach/late-worker'],
    // Measured and tested by themselves.
    ...['stack-sampler', 'flight/window'],
  ],
  { platform: 'node', resolve: { conditionNames: ['ttrace-source'] } },
  COMMONJS,
);
const sync = bundle(
  'sync',
  // Its tests take its patience.
  ['attempt'],
  { platform: 'node', external: [/^node:/, /^@ttrace\//] },
  COMMONJS,
);

const hook = {
  input: path('sdk/src/register.cts'),
  // It decides what to load.
  external: [/^\./, /^node:/],
  platform: 'neutral',
  output: { file: path('sdk/dist/register.cjs'), format: 'cjs', strict: true, sourcemap: true },
};

const [, ...built] = await build([format, sdk, sync, hook]);
for (const [at, { dir }] of [sdk.output, sync.output].entries()) {
  for (const { isEntry, fileName, exports } of built[at].output) {
    if (!isEntry || exports.length === 0) continue;
    const text = `import all from './${basename(fileName)}';\nexport const { ${exports.join(', ')} } = all;\n`;
    writeFileSync(`${dir}/${fileName.replace(/\.cjs$/, '.js')}`, text);
  }
}
