import type { ReactNode } from 'react';
import type { FailureRecord } from '../../worker/protocol.ts';
import { FailureText } from './FailureMessage.tsx';

const BROWSERS: readonly (readonly [string, string])[] = [
  [
    'Chrome or Edge 113 and later (Windows, macOS, ChromeOS)',
    'WebGPU is on by default. If it is missing, turn on “Use graphics acceleration when available” in the settings and restart; chrome://gpu says what blocks it.',
  ],
  [
    'Chrome on Linux',
    'Recent versions support many GPUs. For others, update the Vulkan driver and start the browser with --enable-unsafe-webgpu --enable-features=Vulkan.',
  ],
  [
    'Chrome on Android 121 and later',
    'WebGPU is on for most devices with Android 12 or later. Training may run out of memory.',
  ],
  ['Safari 26 and later (macOS, iOS)', 'WebGPU is on by default. On an older version, update the system.'],
  [
    'Firefox 141 and later (Windows), 145 and later (macOS on Apple silicon)',
    'WebGPU is on by default. Elsewhere, set dom.webgpu.enabled to true in about:config, or use another browser.',
  ],
];

/** Replaces the Train and Segment pages without WebGPU: the reason, and what to do in each browser. */
export function NoGpuPage({ failure }: { readonly failure: FailureRecord }): ReactNode {
  return (
    <section className="panel stack">
      <h2>This page needs WebGPU</h2>
      <FailureText failure={failure} />
      <p>Training and segmentation run on this computer's GPU; nothing is sent to a server. To get WebGPU:</p>
      <ul className="stack">
        {BROWSERS.map(([browser, advice]) => (
          <li key={browser}>
            <strong>{browser}.</strong> {advice}
          </li>
        ))}
      </ul>
      <p className="muted">
        The studio must also be served from https:// or 127.0.0.1. Meanwhile you can view your datasets on the
        Data page and download your runs on the Export page.
      </p>
    </section>
  );
}
