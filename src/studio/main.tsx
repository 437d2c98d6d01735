import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { startEngine } from '../worker/client.ts';
import './theme/base.css';
import { App } from './App.tsx';
import { keepOffline } from './offline/keep-offline.ts';
import { startStudio } from './start.ts';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element with the id "root"');
const mirror = document.querySelector<HTMLMetaElement>('meta[name="model-mirror"]')?.content;
const booted = startStudio(startEngine(), {
  modelBaseUrl: new URL('./models/', document.baseURI).href,
  modelMirror: mirror || null,
});
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
// The service worker fetches every file of the site, so it must not delay the model.
void booted.then(() => requestAnimationFrame(() => setTimeout(keepOffline)));
