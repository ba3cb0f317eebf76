// A program that knows nothing of ttrace: says what it was given, on stdout and stderr, and ends with a code of its own.
const { isMainThread, Worker } = require('node:worker_threads');
const args = process.argv.slice(2);
console.log(`hello ${JSON.stringify(args)}`);
console.error('grumble');
if (isMainThread) {
  new Worker('setTimeout(() => {}, 20)', { eval: true, name: 'helper' }).once('exit', () => {
    process.exitCode = Number(args[0]);
  });
}
