export function startHttp(): () => void {
  return () => {};
}
