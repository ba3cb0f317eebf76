/** The page at `/debug/pprof/`: what there is, how much of it, and how to ask for it. */
import { PROFILES } from './profiles.ts';

/** What the page shows. */
export interface IndexFacts {
  readonly program: string;
  readonly pid: number;
  /** How many there are of the profiles that are cheap to count. */
  readonly counts: Readonly<Record<string, number>>;
  /** Why something is not there. */
  readonly notes: readonly string[];
  /** Goes into all links; undefined where the request had none in its address. */
  readonly token: string | undefined;
}

/** Endpoints that are no profiles of a moment. */
const MORE: readonly (readonly [name: string, href: string, summary: string])[] = [
  [
    'profile',
    'profile?seconds=30',
    'CPU profile of all threads, or of those named with thread=0,3; 30 seconds unless told otherwise.',
  ],
  [
    'trace',
    'trace?seconds=5',
    'A trace of the next seconds, for ttrace view; format=json.gz or pftrace is smaller.',
  ],
  ['flight', '../flight?format=json.gz', 'What the flight recorder holds, where the program runs one.'],
  ['cmdline', 'cmdline', 'The command line of the program.'],
  ['symbol', 'symbol', 'Asked by pprof; all profiles have their names in them.'],
];

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --dim: #777; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; margin: 0 0 .2rem; } p { margin: .3rem 0 1rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); }
td.n { text-align: right; font-variant-numeric: tabular-nums; width: 4rem; } td.w { white-space: nowrap; } .dim { color: var(--dim); }
code { font: 13px/1.5 ui-monospace, monospace; }
`;

export function indexPage({ program, pid, counts, notes, token }: IndexFacts): string {
  const link = (href: string, text: string): string =>
    `<a href="${escaped(token === undefined ? href : `${href}${href.includes('?') ? '&' : '?'}token=${encodeURIComponent(token)}`)}">${escaped(text)}</a>`;
  const row = (count: string, name: string, summary: string): string =>
    `<tr><td class="n">${count}</td><td class="w">${name}</td><td>${escaped(summary)}</td></tr>`;
  const profiles = PROFILES.map(({ name, summary }) =>
    row(
      String(counts[name] ?? ''),
      // It takes a while, and has no text that is ready.
      name === 'allocs' ? link('allocs?seconds=5', name) : link(`${name}?debug=1`, name),
      summary,
    ),
  );
  const more = MORE.map(([name, href, summary]) => row('', link(href, name), summary));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>/debug/pprof/ ${escaped(program)}</title><style>${STYLE}</style></head><body>
<h1>/debug/pprof/</h1><p>${escaped(program)} <span class="dim">process ${pid}</span></p>
${notes.map((note) => `<p class="dim">${escaped(note)}</p>`).join('\n')}
<table><thead><tr><th>Count</th><th>Profile</th><th></th></tr></thead><tbody>
${[...profiles, ...more].join('\n')}
</tbody></table>
<p>${link('goroutine?debug=2', 'full stack dump of all threads')}</p>
<p class="dim">In a terminal: <code>go tool pprof -http=: http://HOST/debug/pprof/profile?seconds=10</code></p>
</body></html>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
