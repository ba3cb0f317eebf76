/**
 * Decompresses one zlib stream (RFC 1950) at a time, as Perfetto's compressed packets hold them. The checksum at its end
 * is not compared: the packets inside are checked by their own lengths.
 */

import { Inflate } from './inflate.ts';

/** Makes a function that decompresses; it throws RangeError on damaged data or more than `maxBytes` of output. */
export function createZlibInflater(maxBytes: number): (bytes: Uint8Array) => Uint8Array {
  let out = new Uint8Array(1 << 16);
  let used = 0;
  // One decoder for all packets: its window is 300 kB.
  const inflate = new Inflate((bytes) => {
    if (used + bytes.length > maxBytes) throw new RangeError(`more than ${maxBytes} bytes of output`);
    if (used + bytes.length > out.length) {
      const larger = new Uint8Array((used + bytes.length) * 2);
      larger.set(out.subarray(0, used));
      out = larger;
    }
    out.set(bytes, used);
    used += bytes.length;
  });
  return (bytes) => {
    used = 0;
    inflate.reset();
    const head = bytes.length < 2 ? -1 : bytes[0]! * 256 + bytes[1]!;
    // Deflate, no preset dictionary, header checksum.
    const isZlib = head >= 0 && (bytes[0]! & 15) === 8 && (bytes[1]! & 32) === 0 && head % 31 === 0;
    if (!isZlib || inflate.run(bytes, 2) !== 'end') throw new RangeError('damaged zlib data');
    return out.slice(0, used);
  };
}
