/** Profiles as pprof files. */
export { encodePprof } from './encode-pprof.ts';
export type { StackProfile, StackSample } from './stack-profile.ts';
