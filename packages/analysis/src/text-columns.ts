/** Aligned columns of text: the first column to the left, numbers to the right. */

/** A column's heading, and on which side its cells stand. */
export interface TextColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
}

/** Lays out rows under headings. Two spaces part the columns; no line ends in spaces. */
export function alignedLines(columns: readonly TextColumn[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ title }, at) =>
    rows.reduce((width, row) => Math.max(width, row[at]?.length ?? 0), title.length),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, at) => {
        const cell = cells[at] ?? '';
        return align === 'left' ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!);
      })
      .join('  ')
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)];
}

/** A text in one line that does nothing to a terminal: control characters are shown as JSON shows them. */
export function visibleText(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    const shown = JSON.stringify(character).slice(1, -1);
    return shown === character ? `\\u00${character.charCodeAt(0).toString(16)}` : shown;
  });
}

/** A name that does not break a table: control characters are shown, and what is too long is cut. */
export function cellText(text: string, width = 60): string {
  const shown = visibleText(text);
  return shown.length > width ? `${shown.slice(0, width - 1)}…` : shown;
}
