/** One line on stderr that says how far long work is; only on a terminal, and only after a second. */
import { bytesText, shareText } from '@ttrace/analysis/quantity';

const FIRST_MS = 1000;
const EVERY_MS = 100;

/** Shows progress until it is cleared. */
export interface Progress {
  /** Says how many bytes, or whatever is counted, are done. Cheap: most calls do nothing. */
  update(done: number): void;
  /** Takes the line away. Harmless when there is none. */
  clear(): void;
}

/** Starts to show the progress of work over `total` bytes, or whatever `amountText` puts into words; 0 if that is not known. */
export function startProgress(
  what: string,
  total: number,
  stream: Pick<NodeJS.WriteStream, 'isTTY' | 'write'> = process.stderr,
  now: () => number = () => performance.now(),
  amountText: (amount: number) => string = bytesText,
): Progress {
  let next = now() + FIRST_MS;
  let isShown = false;
  return {
    update: (done) => {
      if (!stream.isTTY || now() < next) return;
      next = now() + EVERY_MS;
      isShown = true;
      const share = total > 0 ? ` of ${amountText(total)} (${shareText(Math.min(1, done / total))})` : '';
      stream.write(`\r\u001b[K${what}: ${amountText(done)}${share}`);
    },
    clear: () => {
      if (isShown) stream.write('\r\u001b[K');
      isShown = false;
    },
  };
}
