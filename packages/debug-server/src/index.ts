/** Go's `/debug/pprof` for Node.js: profiles, stacks and traces of a running program over HTTP. */
export { DebugServerError, type DebugServerErrorCode } from './debug-server-error.ts';
export { type DebugServerOptions, parseAddress } from './debug-server-options.ts';
export { type DebugServer, startDebugServer } from './start-debug-server.ts';
