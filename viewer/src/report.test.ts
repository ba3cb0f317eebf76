/** The report as a file: it is whole, asks for nothing, and every link in it leads somewhere in it. */
import { Category, TraceBuilder } from '@ttrace/format';
import { describe, expect, it } from 'vitest';
import { htmlReport } from './report.tsx';
import { sampleTrace } from './viewer-test-kit.ts';

function report(title = 'orders.json', trace = sampleTrace()): string {
  return [...htmlReport({ trace, title, fileName: 'orders.json' })].join('');
}

const linksIn = (html: string) => [...html.matchAll(/ href="([^"]*)"/g)].map((match) => match[1]!);

describe('the report', () => {
  it('has a section for the home page and for each table that has rows', () => {
    const html = report();
    const ids = [...html.matchAll(/<section id="([^"]+)"/g)].map((match) => match[1]);
    expect(ids.slice(0, 1)).toEqual(['home']);
    expect(ids).toEqual(
      expect.arrayContaining(['threads', 'tasks', 'tasks/each', 'regions', 'regions/each']),
    );
    expect(ids).not.toContain('blockers');
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('links only to its own sections', () => {
    const html = report();
    const links = linksIn(html).filter((href) => !href.startsWith('data:'));
    expect(links.length).toBeGreaterThan(10);
    for (const link of links) expect.soft(html).toContain(` id="${link.slice(1)}"`);
  });

  it('loads nothing: no script, no address, the style sheet inside and let in by its hash alone', () => {
    const html = report();
    expect(html).not.toMatch(/<script|<link rel="stylesheet"|https?:\/\/|url\("\//);
    expect(html).toMatch(
      /Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-/,
    );
    expect(html).toContain('<style>');
  });

  it('cuts tables at 100 rows and says how to have them whole', () => {
    const builder = new TraceBuilder();
    const [name, category] = ['job', Category.region].map((text) => builder.strings.intern(text));
    const track = builder.threadTrack(1, 1);
    for (let at = 0; at < 150; at++) builder.slice(track, name!, category!, at * 1000, 500 + at, 0);
    const html = report('jobs.json', builder.finish('json', 1));
    const section = html.slice(html.indexOf('<section id="regions/each"'));
    const table = section.slice(0, section.indexOf('</table>'));
    expect(table.match(/<th scope="row"/g)).toHaveLength(100);
    expect(table).toContain('150 rows, of which 1 to 100 are in this file');
    expect(table).toContain('ttrace regions FILE --each --top 150');
  });

  it('shows its title and names from the trace as text, never as markup', () => {
    const trace = sampleTrace();
    trace.tracks[1]!.name = '<img src=x onerror=alert(1)>';
    const html = report('</title><script>alert(2)</script>', trace);
    expect(html).not.toMatch(/<img|<script/);
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  it('says that ttrace shows the timeline, and with which command', () => {
    expect(report('Friday')).toContain('<code>ttrace view orders.json</code>');
    expect(report('Friday')).toContain('<h1>Friday</h1>');
  });
});
