/** Links as commands and addresses. */
import { expect, test } from 'vitest';
import { linkCommand, linkPath } from './link-text.ts';

test('a link is a command that a shell reads as it is meant, and a path of the viewer', () => {
  const link = {
    page: 'blockers/each',
    filter: { from: 1_500_000, name: "it's here → now", complete: false },
  };
  expect(linkCommand(link, 'my trace.json')).toBe(
    "ttrace blockers 'my trace.json' --each --from=1500000ns --name='it'\\''s here → now' --complete=false",
  );
  expect(linkPath(link)).toBe('/blockers/each?from=1500000ns&name=it%27s+here+%E2%86%92+now&complete=false');
  expect(linkCommand({ page: 'threads', filter: {} }, 'a.json')).toBe('ttrace threads a.json');
  expect(linkPath({ page: 'threads', filter: {} })).toBe('/threads');
});
