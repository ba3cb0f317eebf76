/** Why a request gets no profile: answered as Go's `net/http/pprof` does, with a status, `X-Go-Pprof: 1`, and a line of text. */

export class HttpProblem extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'HttpProblem';
    this.status = status;
    this.headers = headers;
  }
}
