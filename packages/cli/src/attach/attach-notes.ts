/** What the help of `ttrace attach` and `ttrace snapshot` says about how they reach a process. */
export const ATTACH_NOTES: string =
  'The process is reached through its inspector, which SIGUSR1 opens for a moment on 127.0.0.1:9229 (or its --inspect-port) and which ' +
  'writes a line on its stderr; one that is open already is used and stays open. It takes Node.js 20.19, 22.12 or newer, of the same ' +
  'user and not in another container. On Linux, ttrace looks first whether the process takes that signal, which would end one that is no ' +
  'Node.js; on macOS only whether it is called node. On Windows there is no signal: Node.js has memory for that.';
