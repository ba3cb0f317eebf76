/** The documented tables are those that there are. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { schemaLines } from './query-schema.ts';

const DOCUMENT = new URL('../TABLES.md', import.meta.url);

test('TABLES.md has what ttrace query prints without SQL', () => {
  const fence = '```';
  const text = readFileSync(DOCUMENT, 'utf8');
  const expected = text.replace(
    /(```text\n)[\s\S]*?(\n```)/,
    () => `${fence}text\n${[...schemaLines()].join('\n')}\n${fence}`,
  );
  // Written anew with UPDATE_GOLDENS=1.
  if (process.env.UPDATE_GOLDENS !== undefined) writeFileSync(DOCUMENT, expected);
  else expect(text).toBe(expected);
});
