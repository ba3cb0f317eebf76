// For the tests: blocks the main thread from the first moment on.
function spinAtOnce() {
  for (let i = 0; ; i = (i + 1) | 0) if (i === -17 && process.pid < 0) return i;
}

spinAtOnce();
