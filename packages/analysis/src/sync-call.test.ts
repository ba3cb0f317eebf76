/** What a stack shows that the program has called, from stacks of real programs. */
import { expect, test } from 'vitest';
import { syncCallIn } from './sync-call.ts';

test.each([
  [['closeSync (node:fs:524:19)', 'readFileSync (node:fs:487:8)'], 'readFileSync', 'fs.promises.readFile'],
  [['cpSyncFn (node:internal/fs/cp/cp-sync:61:10)', 'cpSync (node:fs:3089:3)'], 'cpSync', 'fs.promises.cp'],
  [['existsSync (node:fs:241:21)'], 'existsSync', 'fs.promises.access'],
  [['pbkdf2Sync (node:internal/crypto/pbkdf2:78:17)'], 'pbkdf2Sync', 'crypto.pbkdf2'],
  [
    ['spawnSync (node:internal/child_process:1:1)', 'execSync (node:child_process:9:1)'],
    'execSync',
    'child_process.exec',
  ],
  [
    [
      'processChunkSync (node:zlib:435:26)',
      'zlibBufferSync (node:zlib:178:12)',
      'syncBufferWrapper (node:zlib:767:14)',
    ],
    'A synchronous function of zlib',
    'its asynchronous form, such as zlib.gzip for gzipSync,',
  ],
])('%s is %s', (inner, name, instead) => {
  expect(syncCallIn([...inner, 'work (/srv/a.js:3:1)', 'main (/srv/a.js:9:1)'])).toEqual({ name, instead });
});

test('what is no call of the program is none', () => {
  expect(
    syncCallIn(['readFileSync (node:fs:1:1)', 'Module.load (node:internal/modules/cjs/loader:1:1)']),
  ).toBeUndefined();
  expect(syncCallIn(['work (/srv/a.js:3:1)', 'renderSync (/srv/a.js:4:1)'])).toBeUndefined();
  expect(syncCallIn([])).toBeUndefined();
});
