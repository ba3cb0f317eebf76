/** Fetches the trace into memory and tells how far it is. */

/**
 * Fetches `url` whole; rejects also when the connection ends early. The server converts while it sends, so there is no
 * length to expect: `onProgress` gets the bytes so far.
 *
 * An old-fashioned request, because Chromium now and then reports a `fetch` that was read through a reader as aborted,
 * though every byte came, and because this one hands over the buffer without a second copy.
 */
export function download(url: string, onProgress: (bytes: number) => void): Promise<ArrayBuffer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('GET', url);
    request.responseType = 'arraybuffer';
    request.onprogress = ({ loaded }) => onProgress(loaded);
    request.onerror = () =>
      reject(new Error('The connection to the viewer broke. Is the ttrace command still running?'));
    request.onload = () => {
      if (request.status === 200) resolve(request.response as ArrayBuffer);
      else reject(new Error(refusal(request)));
    };
    request.send();
  });
}

function refusal({ status, response }: XMLHttpRequest): string {
  if (status === 403)
    return 'The viewer no longer knows this page. Open the link that the ttrace command printed.';
  return `The viewer answered ${status}: ${new TextDecoder().decode(response as ArrayBuffer).slice(0, 200)}`;
}
