/**
 * The Content-Security-Policy of the studio, one text for two places: the meta tag that the build writes into
 * index.html (for hosts that set no headers) and the header of the local server.
 * Everything comes from the site's own folder; nothing may be sent anywhere else.
 */
const directives = [
  "default-src 'self'",
  // The JPEG and WebP decoders are WebAssembly; this allows that and no eval.
  "script-src 'self' 'wasm-unsafe-eval'",
  // The engine's worker begins in a blob, so that it takes this policy over from the page.
  "worker-src 'self' blob:",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "font-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
];

/** For the meta tag. */
export const META_CSP = directives.join('; ');

/** For the header, which may also forbid framing. */
export const HEADER_CSP = [...directives, "frame-ancestors 'none'"].join('; ');
