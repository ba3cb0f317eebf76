// A program that waits to be ended. With `stubborn` it ignores SIGINT and SIGTERM and says so.
if (process.argv[2] === 'stubborn') {
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => console.log(`ignored ${signal}`));
}
setInterval(() => {}, 1000);
console.log('waiting');
