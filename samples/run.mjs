// Runs a sample by name, prints the summary of its trace and, with --view, opens it: `npm run sample NAME [-- --view]`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const cli = here('../packages/cli/dist/bin.js');
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const [name] = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const names = readdirSync(here('.'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(here(`${entry.name}/main.ts`)))
  .map((entry) => entry.name);

const run = (...args) => {
  const { status, signal } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(signal === null ? (status ?? 1) : 130);
};

if (name === undefined || !names.includes(name)) {
  console.error(`which sample? one of: ${names.join(', ')}`);
  process.exit(2);
}
if (!existsSync(here(`dist/${name}/main.js`))) {
  console.error('not built yet: npm run build');
  process.exit(1);
}
const file = here(`out/${name}.json`);
mkdirSync(here('out'), { recursive: true });
run(here(`dist/${name}/main.js`), file);
run(cli, 'summary', file);
if (flags.includes('--view')) run(cli, 'view', file, ...flags.filter((flag) => flag !== '--view'));
