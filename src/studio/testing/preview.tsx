/** The screens with an engine of invented answers: `?empty`, `?no-gpu`, `?no-storage`. For the dev server only; the build leaves it out. */
import { createRoot } from 'react-dom/client';
import '../theme/base.css';
import { App } from '../App.tsx';
import { startStudio } from '../start.ts';
import { fakeEngine } from './fake-engine.ts';

const query = new URLSearchParams(window.location.search);
const engine = fakeEngine({
  empty: query.has('empty'),
  noGpu: query.has('no-gpu'),
  noStorage: query.has('no-storage'),
});
// Tests say through it what the engine would.
Reflect.set(window, 'engine', engine);
startStudio(engine, 'about:blank');
const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
