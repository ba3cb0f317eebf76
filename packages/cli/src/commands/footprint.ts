/** `ttrace footprint`: where the bytes of a trace file go. */

import { alignedLines, cellText, countText, shareText } from '@ttrace/analysis';
import { type Command, defineCommand } from '../command.ts';
import { fileFootprint } from '../footprint.ts';
import { print } from '../print.ts';
import type { FootprintRow } from '../tally.ts';

/** Prints bytes and counts by kind of event, the most bytes first. */
export const footprintCommand: Command = defineCommand({
  usage: 'footprint <file>',
  summary: 'Print how many bytes of a file each kind of event takes',
  options: (parser) =>
    parser
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'A trace: JSON, protobuf, .cpuprofile or text, also .gz',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print the rows as JSON' }),
  run: async ({ file, json }) => {
    const rows = await fileFootprint(file);
    await print(json ? [JSON.stringify(rows, null, 2)] : footprintLines(rows));
    return 0;
  },
});

function footprintLines(rows: readonly FootprintRow[]): string[] {
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  const count = rows.reduce((sum, row) => sum + row.count, 0);
  const share = (part: number, whole: number): string => shareText(whole === 0 ? 0 : part / whole);
  const cells = rows.map((row) => [
    cellText(row.event),
    countText(row.bytes),
    share(row.bytes, bytes),
    countText(row.count),
    share(row.count, count),
  ]);
  const right = 'right' as const;
  return alignedLines(
    [
      { title: 'Event', align: 'left' },
      { title: 'Bytes', align: right },
      { title: '%', align: right },
      { title: 'Count', align: right },
      { title: '%', align: right },
    ],
    [...cells, ['total', countText(bytes), '', countText(count), '']],
  );
}
