/**
 * The hook for `--require` (and `--import`): the one CommonJS file, because only that reaches every kind of worker.
 *
 * Main thread: records the whole run when TTRACE_FILE is set, for `ttrace run`, or, as a child process of such a run, when
 * TTRACE_CHILDREN is; keeps the flight recorder on when TTRACE_FLIGHT has triggers. Worker: enrols it while recording. The
 * thread of `module.register` gets here too, but no Worker constructor gave it a label, and it is left alone.
 */
const {
  getEnvironmentData,
  isMainThread,
}: typeof import('node:worker_threads') = require('node:worker_threads');

if (isMainThread) {
  const file = process.env.TTRACE_FILE ?? '';
  const flight = process.env.TTRACE_FLIGHT ?? '';
  // Child processes inherit the variable and must not write the same file. Each may have a flight recorder of its own.
  delete process.env.TTRACE_FILE;
  if (file !== '' || flight !== '') {
    if ('require_module' in process.features) {
      (require('./whole-run.cjs') as typeof import('./whole-run.js')).recordWholeRun(file, flight);
    } else {
      process.stderr.write(
        `ttrace: recording needs Node.js 20.19, 22.12 or newer; this is ${process.version}\n`,
      );
    }
  }
  if (file === '' && process.env.TTRACE_CHILDREN) {
    // Stays in the environment: children of children are recorded too. One that keeps the recorder from loading must run all the
    // same: its parent may know nothing of ttrace.
    try {
      (require('./child-run.cjs') as typeof import('./child-run.js')).recordChild(
        process.env.TTRACE_CHILDREN,
      );
    } catch {}
  }
} else {
  // What the Worker constructor added: the program sees the flags that it gave.
  const { execArgv } = process;
  if (execArgv.at(-1) === __filename && execArgv.at(-2) === '-r') execArgv.splice(-2);
  if (typeof getEnvironmentData('ttrace/worker-name') === 'string') {
    (require('./worker-start.cjs') as typeof import('./worker-start.js')).enrolThisWorker();
  }
}
