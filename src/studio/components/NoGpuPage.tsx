import type { ReactNode } from 'react';
import type { FailureRecord } from '../../worker/protocol.ts';
import { FailureText } from './FailureNote.tsx';

const BROWSERS: readonly (readonly [string, string])[] = [
  [
    'Chrome or Edge 113 and later (Windows, macOS, ChromeOS)',
    'WebGPU is on. If not: turn on “Use graphics acceleration when available” in the settings, restart, and look at chrome://gpu for the reason.',
  ],
  [
    'Chrome on Linux',
    'Recent versions have it for many GPUs; else start the browser with --enable-unsafe-webgpu --enable-features=Vulkan and an up-to-date Vulkan driver.',
  ],
  [
    'Chrome on Android 121 and later',
    'WebGPU is on for most devices of Android 12 and later; memory may be short for training.',
  ],
  ['Safari 26 and later (macOS, iOS)', 'WebGPU is on. Older versions: update the system.'],
  [
    'Firefox 141 and later (Windows), 145 and later (macOS on Apple silicon)',
    'WebGPU is on. Elsewhere: set dom.webgpu.enabled in about:config, or use another browser.',
  ],
];

/** Instead of Train and Segment where there is no WebGPU: why, and what to do per browser. */
export function NoGpuPage({ failure }: { readonly failure: FailureRecord }): ReactNode {
  return (
    <section className="panel stack">
      <h2>This needs WebGPU</h2>
      <FailureText failure={failure} />
      <p>Training and segmenting compute on this machine's GPU; nothing is sent to a server. What to do:</p>
      <ul className="stack">
        {BROWSERS.map(([browser, advice]) => (
          <li key={browser}>
            <strong>{browser}.</strong> {advice}
          </li>
        ))}
      </ul>
      <p className="muted">
        The page must also come from https:// or from 127.0.0.1. Your data stays viewable under Data, and runs
        can be taken away under Export.
      </p>
    </section>
  );
}
