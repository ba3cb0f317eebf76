// A program that a signal ends at once, with no chance for anybody to do anything.
process.kill(process.pid, process.argv[2]);
setInterval(() => {}, 1000);
