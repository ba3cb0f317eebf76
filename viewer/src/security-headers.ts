/** The response headers that confine our pages: what each may load, and that nobody else may load or frame them. */

/** Headers of every answer. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=()',
};

const CLOSED = ["default-src 'none'", "base-uri 'none'", "object-src 'none'"];

/** Policy of pages that are only text, tables and our style sheet. */
export const PAGE_POLICY: string = [
  ...CLOSED,
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Policy of the page that frames a Perfetto UI; the UI may stand on another local port. */
export function hostPagePolicy(uiOrigin: string | undefined): string {
  return `${PAGE_POLICY}; frame-src 'self'${uiOrigin === undefined ? '' : ` ${uiOrigin}`}`;
}

/** Policy of the bundled Perfetto UI. It compiles wasm; it needs neither `unsafe-eval` nor `unsafe-inline`. */
export const BUNDLED_UI_POLICY: string = [
  ...CLOSED,
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');
