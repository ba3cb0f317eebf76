/** A trace with something for each profile, for the tests of their pages. Not part of the package. */
import { readTextTrace, TEXT_MAGIC, type Trace } from '@ttrace/format';

const PROGRAM = `${TEXT_MAGIC}
process 1 "node shop.js"
track 1/1 thread "main"
track 1/2 thread "worker 1"
track l1 async 1 loop "0x1" "main event loop"
track s1 async 1 sample "0x1" "main samples"
slice 1/1 +0.000000000 0.050000000 region "job"
slice 1/1 +0.010000000 0.020000000 wait "lock a&b wait"
slice 1/1 +0.060000000 0.010000000 wait "lock <i> wait"
slice l1 +0.000000000 0.040000000 loop "hash a.js:3" {"blocked":true,"stack":["hash (/srv/a.js:3:5)","login (/srv/b.js:9:1)"]}
instant l1 +0.030000000 loop "sort a.js:8" {"stack":["sort (native)","login (/srv/b.js:9:1)"]}
slice s1 +0.000000000 0.030000000 sample "main" {"location":"/srv/node_modules/m/m.js:1"}
slice s1 +0.005000000 0.010000000 sample "emit" {"location":"node:events:507"}
slice 1/1 +0.070000000 0.000001000 message "postMessage"
flow-out 1/1 +0.070000000 1 flow "flow"
slice 1/2 +0.075000000 0.005000000 message "message"
flow-in 1/2 +0.075000000 1 flow "flow"
`;

/** A small program on two threads; its main event loop was blocked for 40 ms. */
export function profiledTrace(): Trace {
  return readTextTrace(PROGRAM);
}
