/** The command `ttrace`: hands the arguments to `main` and its result to the shell. */

// Node.js 20.19, 22.12 and newer have it: what they record with needs it.
if (!('require_module' in process.features)) {
  console.error(`ttrace: Node.js 20.19, 22.12 or newer is needed, this is ${process.version}`);
  process.exitCode = 2;
} else {
  // Not before: what it imports does not even parse in an old Node.js.
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
}
