/** The operating system's id of this thread, which keeps (pid, tid) unique when traces of several processes are merged. */
import { readlinkSync } from 'node:fs';
import { isMainThread, threadId } from 'node:worker_threads';

/** Linux: the kernel's id; the main thread's is the pid. Elsewhere a number made of pid and thread id, < 2^30. */
export function osThreadId(): number {
  if (isMainThread) return process.pid;
  try {
    // "4711/task/4712"
    const tid = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (Number.isInteger(tid) && tid > 0) return tid;
  } catch {
    // Not Linux, or not permitted.
  }
  return ((process.pid & 0xf_ffff) << 10) | (threadId & 0x3ff);
}
