/** Where the options of `ttrace run` end. */
import { expect, test } from 'vitest';
import { splitProgram } from './split-program.ts';

test.each([
  ['run app.js --view', 'run', 'app.js --view'],
  ['run -o x.json app.js', 'run -o x.json', 'app.js'],
  ['run --output x.json --view app.js -o y', 'run --output x.json --view', 'app.js -o y'],
  ['run --output=x.json app.js', 'run --output=x.json', 'app.js'],
  ['run --view -- --odd-name.js -- 1', 'run --view', '--odd-name.js -- 1'],
  ['run --debug-server app.js', 'run --debug-server', 'app.js'],
  ['run --debug-server=7070 app.js', 'run --debug-server=7070', 'app.js'],
  ['run --help', 'run --help', ''],
  ['view run app.js', 'view run app.js', ''],
])('%j is split into %j and %j', (line, own, program) => {
  const split = splitProgram(line.split(' '));
  expect([split.own.join(' '), split.program.join(' ')]).toEqual([own, program]);
});
