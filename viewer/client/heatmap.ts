/** Makes a heat map one stop of the Tab key a row, with arrow keys between its bins. Without this script every bin is a stop. */

for (const map of document.querySelectorAll<HTMLElement>('.heatmap')) {
  const rows = [...map.querySelectorAll('svg.heat')].map((row) => [
    ...row.querySelectorAll<SVGAElement>('a'),
  ]);
  for (const row of rows)
    for (const [at, bin] of row.entries()) bin.setAttribute('tabindex', at === 0 ? '0' : '-1');
  map.addEventListener('keydown', (event) => {
    const row = rows.findIndex((bins) => bins.includes(document.activeElement as SVGAElement));
    if (row < 0) return;
    const at = rows[row]!.indexOf(document.activeElement as SVGAElement);
    const next = target(rows, row, at, event.key);
    if (next === undefined) return;
    event.preventDefault();
    for (const bin of rows[rows.findIndex((bins) => bins.includes(next))]!)
      bin.setAttribute('tabindex', '-1');
    next.setAttribute('tabindex', '0');
    next.focus();
  });
}

function target(
  rows: readonly SVGAElement[][],
  row: number,
  at: number,
  key: string,
): SVGAElement | undefined {
  const own = rows[row]!;
  switch (key) {
    case 'ArrowRight':
      return own[at + 1];
    case 'ArrowLeft':
      return own[at - 1];
    case 'Home':
      return own[0];
    case 'End':
      return own.at(-1);
    case 'ArrowUp':
      return nearest(rows[row - 1], own[at]!);
    case 'ArrowDown':
      return nearest(rows[row + 1], own[at]!);
    default:
      return undefined;
  }
}

/** The bin of another row that lies at the same time, or next to it: threads do not all live as long. */
function nearest(row: readonly SVGAElement[] | undefined, to: SVGAElement): SVGAElement | undefined {
  const middle = (bin: SVGAElement): number => {
    const { left, width } = bin.getBoundingClientRect();
    return left + width / 2;
  };
  return row?.reduce(
    (a, b) => (Math.abs(middle(b) - middle(to)) < Math.abs(middle(a) - middle(to)) ? b : a),
    row[0]!,
  );
}
