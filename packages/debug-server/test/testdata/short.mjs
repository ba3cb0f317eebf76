// For the tests: a program that knows nothing of debug servers, and soon ends; it starts one of its own kind.
import { spawnSync } from 'node:child_process';

if (process.argv[2] !== 'child') {
  const child = spawnSync(process.execPath, [...process.execArgv, process.argv[1], 'child'], { encoding: 'utf8' });
  process.stdout.write(`child ${child.status} ${child.stderr}`);
}
