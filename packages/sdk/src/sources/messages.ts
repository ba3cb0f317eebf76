export function startMessages(): () => void {
  return () => {};
}
