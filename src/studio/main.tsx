import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { startEngine } from '../worker/client.ts';
import './theme/base.css';
import { App } from './App.tsx';
import { keepOffline } from './offline/keep-offline.ts';
import { loadPage } from './pages.ts';
import { startStudio } from './start.ts';
import { PAGES, usePage } from './stores/page.ts';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element with the id "root"');
const mirror = document.querySelector<HTMLMetaElement>('meta[name="model-mirror"]')?.content;
const booted = startStudio(startEngine(), {
  modelBaseUrl: new URL('./models/', document.baseURI).href,
  modelMirror: mirror || null,
});
// The page's code comes while the engine starts, and the other pages' once nobody waits for anything.
loadPage(usePage.getState().page);
void booted.then(() => PAGES.map(loadPage));
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
// The service worker fetches every file of the site, so it must not delay the model.
void booted.then(() => requestAnimationFrame(() => setTimeout(keepOffline)));
