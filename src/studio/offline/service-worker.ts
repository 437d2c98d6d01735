/**
 * Caches the whole site, including the embedded model, for offline use. A new version is cached beside the old one
 * and takes over when the last tab is closed, so that a page never mixes versions and no run is interrupted.
 */
import { cleanupOutdatedCaches, type PrecacheEntry, precacheAndRoute } from 'workbox-precaching';

declare const self: ServiceWorkerGlobalScope & {
  /** Every file of the built site; the build writes it (scripts/site/precache.mjs). */
  readonly SITE_FILES: PrecacheEntry[];
};

cleanupOutdatedCaches();
precacheAndRoute(self.SITE_FILES);
