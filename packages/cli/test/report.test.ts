/** `ttrace report` as a process: it writes a whole file or none, and never over anything but a report. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { testdata, ttrace } from './ttrace-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'ttrace-report-'));
afterAll(() => rmSync(directory, { recursive: true }));

const order = testdata('order.json');
const at = (name: string) => join(directory, name);

describe('ttrace report', () => {
  it('writes one HTML file under the title asked for, also over an older report', async () => {
    const file = at('report.html');
    for (const title of ['First', 'Second']) {
      const { code, stdout, stderr } = await ttrace(['report', order, '-o', file, '--title', title]);
      expect(code).toBe(0);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^[\d.]+ [KM]iB in .*report\.html\n$/);
      const html = readFileSync(file, 'utf8');
      expect(html).toMatch(/^<!doctype html>.*<\/html>\n$/s);
      expect(html).toContain(`<h1>${title}</h1>`);
    }
    expect(readdirSync(directory)).toEqual(['report.html']);
  });

  it('is called after the trace without a title, and says nothing when told so', async () => {
    const { code, stderr } = await ttrace(['report', order, '-o', at('quiet.html'), '--quiet']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(readFileSync(at('quiet.html'), 'utf8')).toContain('<h1>order.json</h1>');
  });

  it('refuses to write over a trace, whatever its name', async () => {
    for (const name of ['trace.json', 'trace.html']) {
      copyFileSync(order, at(name));
      const { code, stderr } = await ttrace(['report', order, '-o', at(name)]);
      expect.soft(code).toBe(2);
      expect
        .soft(stderr)
        .toMatch(
          /^ttrace: (end the name of .*trace\.json in \.html|.*trace\.html is there already and is no report)/,
        );
      expect.soft(readFileSync(at(name))).toEqual(readFileSync(order));
    }
  });

  it('leaves no file when there is no trace to report on', async () => {
    writeFileSync(at('broken.json'), 'no trace');
    for (const file of ['broken.json', 'missing.json']) {
      const { code, stderr } = await ttrace(['report', at(file), '-o', at('none.html')]);
      expect.soft(code).toBe(1);
      expect.soft(stderr).toMatch(/^ttrace: cannot read/);
    }
    expect(existsSync(at('none.html'))).toBe(false);
  });
});
