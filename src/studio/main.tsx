import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { startEngine } from '../worker/client.ts';
import './theme/base.css';
import { App } from './App.tsx';
import { keepOffline } from './offline/keep-offline.ts';
import { loadPage } from './pages.ts';
import { startStudio } from './start.ts';
import { PAGES, usePage } from './stores/page.ts';
import { markNewVersion } from './stores/session.ts';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element with the id "root"');
const mirror = document.querySelector<HTMLMetaElement>('meta[name="model-mirror"]')?.content;
const engine = startEngine();
const booted = startStudio(engine, {
  modelBaseUrl: new URL('./models/', document.baseURI).href,
  modelMirror: mirror || null,
});
// The page's code comes while the engine starts.
loadPage(usePage.getState().page);
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
// The other pages' code and the service worker, which fetches every file of the site, would delay a first mask.
void booted
  .then(() => engine.quiet(5000))
  .then(() => {
    PAGES.map(loadPage);
    void keepOffline(markNewVersion);
  });
