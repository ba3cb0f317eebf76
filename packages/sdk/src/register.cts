/**
 * The hook for `--require` (and `--import`): the one CommonJS file, because only that reaches every kind of worker.
 *
 * Main thread: records the whole run when TTRACE_FILE is set, for `ttrace run`. Worker: enrols it while recording. The
 * thread of `module.register` gets here too, but no Worker constructor gave it a label, and it is left alone.
 */
const {
  getEnvironmentData,
  isMainThread,
}: typeof import('node:worker_threads') = require('node:worker_threads');

/** What is required below is ES modules; where that is impossible the program runs as ever, unrecorded. */
const canRequireModules = (process.features as { require_module?: boolean }).require_module === true;

if (isMainThread) {
  const file = process.env.TTRACE_FILE;
  // Child processes inherit the variable and must not write the same file.
  delete process.env.TTRACE_FILE;
  if (file !== undefined && file !== '' && !canRequireModules) {
    process.stderr.write(
      `ttrace: recording needs Node.js 20.19, 22.12 or newer with require(esm) on; this is ${process.version}\n`,
    );
  } else if (file !== undefined && file !== '') {
    (require('./whole-run.js') as typeof import('./whole-run.js')).recordWholeRun(file);
  }
} else if (canRequireModules && typeof getEnvironmentData('ttrace/worker-name') === 'string') {
  (require('./worker-start.js') as typeof import('./worker-start.js')).enrolThisWorker();
}
