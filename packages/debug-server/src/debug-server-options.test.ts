/** What can be chosen of a debug server. */
import { expect, test } from 'vitest';
import { chooseOptions, parseAddress } from './debug-server-options.ts';

test('an address is a port, or a host and a port', () => {
  expect(parseAddress('6060')).toEqual({ port: 6060 });
  expect(parseAddress(':7070')).toEqual({ port: 7070 });
  expect(parseAddress(' 0.0.0.0:80 ')).toEqual({ host: '0.0.0.0', port: 80 });
  expect(parseAddress('[::1]:6060')).toEqual({ host: '::1', port: 6060 });
  for (const wrong of ['', 'x', 'host:', 'http://host:1', '::1:6060', '1:2:3', '123456']) {
    expect(() => parseAddress(wrong)).toThrow('address is a port or host:port');
  }
});

test('what is wrong is said', () => {
  expect(() => chooseOptions({ port: 70_000 })).toThrow('port must be from 0 to 65535, got 70000');
  expect(() => chooseOptions({ token: 'short' })).toThrow('at least 8 characters');
  expect(() => chooseOptions({ maxSeconds: Number.NaN })).toThrow('maxSeconds must be from 1');
  expect(() => chooseOptions({ host: '' })).toThrow('host must be a name or an address');
  expect(chooseOptions({})).toMatchObject({
    port: 6060,
    host: '127.0.0.1',
    heap: true,
    record: true,
    pendingStacks: false,
  });
});
