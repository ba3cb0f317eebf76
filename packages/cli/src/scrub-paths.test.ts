/** Directories in texts: what goes, and what only looks like one. */
import { expect, test } from 'vitest';
import { frameWithoutDirectories, locationWithoutDirectories, withoutDirectories } from './scrub-paths.ts';

test.each([
  ['hash /srv/acme/auth.js:12 → pbkdf2Sync', 'hash …/auth.js:12 → pbkdf2Sync'],
  ['/home/ann/shop/order.ts:12:3', '…/order.ts:12:3'],
  ['C:\\Users\\ann\\shop\\order.ts:12', '…/order.ts:12'],
  ['\\\\host\\share\\order.ts', '…/order.ts'],
  ['~/shop/order.ts', '…/order.ts'],
  ['file:///srv/acme/a.mjs:7:1', '…/a.mjs:7:1'],
  ['open("/srv/acme/a.json")', 'open("…/a.json")'],
  ['path=/srv/acme/a.json,/srv/acme/b.json', 'path=…/a.json,…/b.json'],
  ['src/acme/order.ts:12', '…/order.ts:12'],
  ['node_modules/@acme/secret/index.js', '…/index.js'],
  ['../acme/[id]/page.tsx', '…/page.tsx'],
  ['readdir /home/ann', 'readdir …'],
  ['node /Users/Ann Lee/acme secret/x.js', 'node …/x.js'],
  ['copy /a/b.js to /c/d.js', 'copy …/b.js to …/d.js'],
  ['/home/ann/acme/', '…'],
  ['fetch https://git.acme.example/team/x.js?token=abc', 'fetch …/x.js'],
  ['node server.js', 'node server.js'],
  ['GET /users/:id', 'GET /users/:id'],
  ['LOAD /srv/acme/x.json', 'LOAD …/x.json'],
  ['Shop / Orders', 'Shop / Orders'],
  ['read/write 1/2 n/a', 'read/write 1/2 n/a'],
  ['node:internal/crypto/pbkdf2:83:17', 'node:internal/crypto/pbkdf2:83:17'],
  ['/', '/'],
])('%j becomes %j', (text, expected) => {
  expect(withoutDirectories(text)).toBe(expected);
  expect(withoutDirectories(expected)).toBe(expected);
});

test('a location and a frame lose directories with any characters in them', () => {
  expect(locationWithoutDirectories('/Users/Ann Lee/a (1)/x.js:3')).toBe('…/x.js:3');
  expect(locationWithoutDirectories('x.js:3')).toBe('x.js:3');
  expect(frameWithoutDirectories('hash (/Users/Ann Lee/a (1)/x.js:3:4)')).toBe('hash (…/x.js:3:4)');
  expect(frameWithoutDirectories('async file:///srv/acme/x.js:3:4')).toBe('…/x.js:3:4');
  expect(frameWithoutDirectories('pbkdf2Sync (node:internal/crypto/pbkdf2:83:17)')).toBe(
    'pbkdf2Sync (node:internal/crypto/pbkdf2:83:17)',
  );
});

test('a long text takes no longer than its length', () => {
  for (const part of ['a', '/', 'a/', '@', 'a.', '(', 'x://', '/a ', ' a', '/a b'])
    withoutDirectories(part.repeat(100_000));
});
