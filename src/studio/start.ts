/** Links the engine to the stores and loads what this device keeps. */
import type { EngineClient } from '../worker/client.ts';
import { loadDatasets } from './stores/datasets.ts';
import { linkEngine } from './stores/engine-link.ts';
import { notifyWarning } from './stores/notices.ts';
import { followAddress } from './stores/page.ts';
import { loadRuns, receiveRunEvent } from './stores/runs.ts';
import { clearAnswers, loadKeptMasks } from './stores/segment.ts';
import { bootSession, failSession, markDeviceLost, persistStorage, useSession } from './stores/session.ts';
import { startTheme } from './stores/theme.ts';

/** Called once, before the first render. The promise ends when the engine has its model, or cannot have it. */
export function startStudio(client: EngineClient, modelBaseUrl: string): Promise<void> {
  startTheme();
  followAddress();
  linkEngine(client);
  client.onEnd(failSession);
  client.subscribe((event) => {
    if (event.type === 'device-lost') markDeviceLost(event.error);
    else if (event.type === 'log') handleLog(event.level, event.text);
    else receiveRunEvent(event);
  });
  void persistStorage();
  const booted = bootSession(modelBaseUrl);
  void booted.then(() => Promise.all([loadDatasets(), loadRuns(), loadKeptMasks()]));
  // Another model: other runs fit, and what was computed for the open image does not hold.
  useSession.subscribe((state, before) => {
    if (before.model && state.model?.hash !== before.model.hash) {
      void loadRuns();
      void clearAnswers();
    }
  });
  // Another tab may have trained, imported or deleted meanwhile.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible' || useSession.getState().phase !== 'ready') return;
    void loadDatasets();
    void loadRuns();
  });
  return booted;
}

function handleLog(level: 'info' | 'warning' | 'error', text: string): void {
  if (level === 'info') console.info(text);
  else notifyWarning(text);
}
