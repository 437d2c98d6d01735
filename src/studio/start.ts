import type { EngineClient } from '../worker/client.ts';
import type { BootRequest } from '../worker/protocol.ts';
import { loadDatasets, useDatasets } from './stores/datasets.ts';
import { refreshPreview } from './stores/drop-preview.ts';
import { isSeen, receiveChange, showStored } from './stores/elsewhere.ts';
import { linkEngine } from './stores/engine-link.ts';
import { mayBeFirstVisit, openFirstVisit, rememberLeaving } from './stores/first-visit.ts';
import { loadKeptMasks } from './stores/kept-masks.ts';
import { loadLibrary } from './stores/models.ts';
import { notifyWarning } from './stores/notices.ts';
import { followAddress, replacePage, usePage } from './stores/page.ts';
import { countRequests, watchRequests } from './stores/requests.ts';
import { continueQueue, receiveQueue } from './stores/run-queue.ts';
import { loadRuns, receiveRunEvent } from './stores/runs.ts';
import { clearAnswers } from './stores/segment.ts';
import {
  bootSession,
  failSession,
  markDeviceLost,
  persistStorage,
  selectCanCompute,
  showStorage,
  useSession,
} from './stores/session.ts';
import { startTheme } from './stores/theme.ts';

/**
 * Links the engine to the stores and loads what is stored on this device. Called once, before the first render.
 * Resolves when the engine has opened its model or failed to.
 */
export function startStudio(
  client: EngineClient,
  addresses: Omit<BootRequest, 'isSegmentShown'>,
): Promise<void> {
  startTheme();
  watchRequests();
  followAddress();
  linkEngine(client);
  client.onEnd(failSession);
  client.subscribe((event) => {
    if (event.type === 'device-lost') markDeviceLost(event.error);
    else if (event.type === 'requests') countRequests(event.addresses);
    else if (event.type === 'log') handleLog(event.level, event.text);
    else if (event.type === 'queue') receiveQueue(event.queue);
    else if (event.type === 'elsewhere') receiveChange(event.kind);
    else receiveRunEvent(event);
  });
  void showStorage();
  keepWhatIsStored();
  rememberLeaving();
  const opening = openFirstVisit();
  const shown = usePage.getState().page;
  const isSegmentShown = shown === 'segment' || shown === 'first' || mayBeFirstVisit();
  const booted = bootSession({ ...addresses, isSegmentShown });
  void Promise.all([opening, booted]).then(([isFirst]) => {
    // It has nothing to show then; what can be done without is on Data.
    if (isFirst && usePage.getState().page === 'first' && !selectCanCompute(useSession.getState()))
      replacePage('data');
  });
  void booted.then(() => Promise.all([loadDatasets(), loadRuns(), loadKeptMasks()])).then(continueQueue);
  // With another model other runs fit, objects are seen otherwise, and answers about the open image are out of date.
  useSession.subscribe((state, before) => {
    if (state.model !== before.model) void loadLibrary();
    if (before.model && state.model !== before.model) {
      void loadRuns();
      void loadDatasets();
      void refreshPreview();
      // The same weights may be open again with another preprocessing.
      void clearAnswers(state.model?.hash !== before.model.hash);
      void continueQueue();
    }
    if (before.lost && !state.lost) void continueQueue();
  });
  // Other tabs may have changed what is stored; those beside this one say so.
  document.addEventListener('visibilitychange', () => {
    if (!isSeen()) return;
    showStored();
    void loadLibrary();
  });
  return booted;
}

/** Once there is something of the person's to keep: where the browser asks for leave, it is then plain what for. */
function keepWhatIsStored(): void {
  const stop = useDatasets.subscribe(({ datasets }) => {
    if (datasets.length === 0) return;
    stop();
    void persistStorage();
  });
}

function handleLog(level: 'info' | 'warning' | 'error', text: string): void {
  if (level === 'info') console.info(text);
  else notifyWarning(text);
}
