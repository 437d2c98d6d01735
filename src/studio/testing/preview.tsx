/** The studio with the fake engine; takes `?empty`, `?no-gpu`, `?no-storage`. For e2e/looks, not in the build. */
import { createRoot } from 'react-dom/client';
import '@fontsource/dejavu-sans/400.css';
import '@fontsource/dejavu-sans/700.css';
import '../theme/base.css';
import './preview.css';
import { App } from '../App.tsx';
import { startStudio } from '../start.ts';
import { fakeEngine } from './fake-engine.ts';

const query = new URLSearchParams(window.location.search);
const engine = fakeEngine({
  empty: query.has('empty'),
  noGpu: query.has('no-gpu'),
  noStorage: query.has('no-storage'),
});
// Lets a test or the console emit events.
Reflect.set(window, 'engine', engine);
startStudio(engine, { modelBaseUrl: 'about:blank', modelMirror: null });
// Charts measure their labels when they are drawn, so letters must have their widths by then.
await Promise.all([400, 700].map((weight) => document.fonts.load(`${weight} 1em "DejaVu Sans"`)));
const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
