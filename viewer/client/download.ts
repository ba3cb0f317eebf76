/** Fetches the trace into memory and tells how far it is. */

const LOST = 'The connection to the viewer broke. Is the ttrace command still running?';

/**
 * Fetches `url` whole. The server converts while it sends, so there is no length to expect: `onProgress` gets the
 * bytes so far.
 */
export async function download(url: string, onProgress: (bytes: number) => void): Promise<ArrayBuffer> {
  const response = await fetch(url).catch(() => {
    throw new Error(LOST);
  });
  if (!response.ok || response.body === null) {
    throw new Error(
      response.status === 403
        ? 'The viewer no longer knows this page. Open the link that the ttrace command printed.'
        : `The viewer answered ${response.status}: ${(await response.text()).slice(0, 200)}`,
    );
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Error(LOST);
    });
    if (done) break;
    chunks.push(value);
    bytes += value.length;
    onProgress(bytes);
  }
  return new Blob(chunks).arrayBuffer();
}
