/**
 * Keeps the whole site, the embedded model included, for use without a network. A new version is fetched beside the old one
 * and takes over when the last tab is closed, so that a page never mixes two versions and no run is disturbed.
 */
import { cleanupOutdatedCaches, type PrecacheEntry, precacheAndRoute } from 'workbox-precaching';

declare const self: ServiceWorkerGlobalScope & {
  /** Every file of the built site; the build writes it (scripts/site/precache.mjs). */
  readonly SITE_FILES: PrecacheEntry[];
};

cleanupOutdatedCaches();
precacheAndRoute(self.SITE_FILES);
