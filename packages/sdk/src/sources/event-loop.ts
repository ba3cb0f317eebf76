export function startEventLoop(): () => void {
  return () => {};
}
