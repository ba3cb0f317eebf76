export function startProcesses(): () => void {
  return () => {};
}
