// Runs a sample by name, prints the summary of its trace and, with --view, opens it: `npm run sample NAME [-- --view]`. Without a
// name it runs all of them, one after the other, and checks their traces: `npm run samples`.
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

const record = (sample) => {
  if (!existsSync(here(`dist/${sample}/main.js`))) {
    console.error('not built yet: npm run build');
    process.exit(1);
  }
  const file = here(`out/${sample}.json`);
  mkdirSync(here('out'), { recursive: true });
  run(here(`dist/${sample}/main.js`), file);
  return file;
};

if (flags.includes('--all')) {
  for (const sample of names) {
    console.log(`\n--- ${sample}`);
    const file = record(sample);
    run(cli, 'validate', file);
    const { dropped } = JSON.parse(spawnSync(process.execPath, [cli, 'summary', '--json', file]).stdout);
    if (dropped > 0) {
      console.error(`${dropped} events were dropped`);
      process.exit(1);
    }
  }
} else if (name === undefined || !names.includes(name)) {
  console.error(`which sample? one of: ${names.join(', ')}`);
  process.exit(2);
} else {
  const file = record(name);
  run(cli, 'summary', file);
  if (flags.includes('--view')) run(cli, 'view', file, ...flags.filter((flag) => flag !== '--view'));
}
