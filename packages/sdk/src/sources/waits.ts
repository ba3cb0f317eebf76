export function startWaits(): () => void {
  return () => {};
}
