/**
 * The Content-Security-Policy of the studio, one text for two places: the meta tag that the build writes into
 * index.html (for hosts that set no headers) and the header of the local server.
 * Everything comes from the site's own folder. Only models may come from elsewhere, when a person chooses one: from the
 * hub of the catalogue, from where it redirects to, and from a mirror that is set where the site is built or served.
 */

/** The hub, and the hosts of its own that its files are redirected to. */
const HUB = ['https://huggingface.co', 'https://*.huggingface.co', 'https://*.hf.co'];

/** @param {readonly string[]} mirror see {@link mirrorOrigins} */
export function policy(mirror = []) {
  const connect = ["'self'", ...HUB, ...mirror.map((address) => new URL(address).origin)];
  return [
    "default-src 'self'",
    // The JPEG and WebP decoders and the checksums of downloads are WebAssembly; this allows that and no eval.
    "script-src 'self' 'wasm-unsafe-eval'",
    // The engine's worker begins in a blob, so that it takes this policy over from the page.
    "worker-src 'self' blob:",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    `connect-src ${[...new Set(connect)].join(' ')}`,
    "font-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/**
 * The addresses in MOPEFT_MIRROR, separated by spaces: the mirror, then the origins that it redirects to.
 * @param {string | undefined} text
 * @returns {string[]} without slashes at their ends
 */
export function mirrorOrigins(text) {
  const addresses = (text ?? '').split(/\s+/).filter(Boolean);
  for (const address of addresses) {
    if (!/^https?:\/\/[\w.:[\]/-]+$/.test(address) || !URL.canParse(address))
      throw new Error(`MOPEFT_MIRROR: "${address}" is no address such as https://mirror.example`);
  }
  return addresses.map((address) => address.replace(/\/+$/, ''));
}

const POLICY_TAG = /<meta http-equiv="Content-Security-Policy" content="([^"]*)"\s*\/?>/;
const MIRROR_TAG = /<meta name="model-mirror" content="[^"]*"\s*\/?>/;

/** The page with the mirror that it downloads models from, and with a policy that allows it. */
export function withMirror(html, mirror, { hasPolicy = true } = {}) {
  if (!MIRROR_TAG.test(html)) throw new Error('index.html has no <meta name="model-mirror">');
  const set = html.replace(MIRROR_TAG, `<meta name="model-mirror" content="${mirror[0] ?? ''}" />`);
  if (!hasPolicy) return set;
  const tag = `<meta http-equiv="Content-Security-Policy" content="${policy(mirror)}" />`;
  return POLICY_TAG.test(set) ? set.replace(POLICY_TAG, tag) : set.replace('<head>', `<head>\n    ${tag}`);
}

/** The policy that a built page carries; null where it carries none. */
function policyOf(html) {
  return POLICY_TAG.exec(html)?.[1] ?? null;
}

/** For the header, which may also forbid framing. */
export function headerPolicy(html) {
  return `${policyOf(html) ?? policy()}; frame-ancestors 'none'`;
}
