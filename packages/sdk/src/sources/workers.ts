export function startWorkers(): () => void {
  return () => {};
}
