/** Writing to stdout and stderr: whole blocks, at the reader's pace, and a reader that has gone away is no error. */

const BLOCK_CHARS = 1 << 16;

/**
 * Prints lines on stdout. Resolves when they are handed on; early, and quietly, when nobody reads any more, as in
 * `ttrace dump x | head`.
 */
export async function print(lines: Iterable<string>): Promise<void> {
  // Without a listener the error of a closed pipe would end the process.
  process.stdout.on('error', ignore);
  try {
    let block = '';
    for (const line of lines) {
      block += `${line}\n`;
      if (block.length < BLOCK_CHARS) continue;
      if (!(await write(block))) return;
      block = '';
    }
    if (block !== '') await write(block);
  } finally {
    // The error event comes after the callback of the write.
    setImmediate(() => process.stdout.off('error', ignore));
  }
}

/** Writes bytes to stdout, as `print` does lines. */
export async function printBytes(bytes: Uint8Array): Promise<void> {
  process.stdout.on('error', ignore);
  try {
    await write(bytes);
  } finally {
    setImmediate(() => process.stdout.off('error', ignore));
  }
}

/** Prints a line on stderr. */
export function printError(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Whether more can be written. @throws the error of any but a closed pipe. */
function write(text: string | Uint8Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error === null || error === undefined) resolve(true);
      else if ((error as NodeJS.ErrnoException).code === 'EPIPE') resolve(false);
      else reject(error);
    });
  });
}

function ignore(): void {}

/** Makes headings bold where that can be seen: on a terminal, unless NO_COLOR is set. */
export function heading(text: string): string {
  const isPlain = !process.stdout.isTTY || (process.env.NO_COLOR ?? '') !== '';
  return isPlain ? text : `\u001b[1m${text}\u001b[22m`;
}
