#!/usr/bin/env node
/** The command `ttrace`: hands the arguments to `main` and its result to the shell. */

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`ttrace: Node.js 20.19 or newer is needed, this is ${process.version}`);
  process.exitCode = 2;
} else {
  // Not before: what it imports does not even parse in an old Node.js.
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
}
