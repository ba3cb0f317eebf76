// Prints what a bench found: one row a figure, each beside a floor or a peer of the same run, with its target if it has one.

const rows = [];

/**
 * Adds a row. `ratio` is value / beside.value or the other way round, whichever the bench means; `target` is a text such
 * as '<= 1.3' and `holds` whether it is met (undefined = no target).
 */
export function row(what, value, beside = '', ratio = '', target = '', holds = undefined) {
  rows.push([what, value, beside, ratio, target, holds === undefined ? '' : holds ? 'yes' : '**no**']);
}

/** Prints the table as Markdown, and gives the process exit code 1 when a target was missed and `--strict` is set. */
export function print(title) {
  const head = ['', 'here', 'beside', 'ratio', 'target', 'holds'];
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => String(cells[column]).length), 3));
  const line = (cells) =>
    `| ${cells.map((cell, column) => String(cell).padEnd(widths[column])).join(' | ')} |`;
  console.log(`\n### ${title}\n`);
  console.log(line(head));
  console.log(line(widths.map((width) => '-'.repeat(width))));
  for (const cells of rows) console.log(line(cells));
  if (process.argv.includes('--strict') && rows.some((cells) => cells[5] === '**no**')) process.exitCode = 1;
  rows.length = 0;
}

export const nanoseconds = (value) => `${value.toFixed(value < 10 ? 2 : 1)} ns`;
export const times = (value) => `${value.toFixed(2)} x`;
