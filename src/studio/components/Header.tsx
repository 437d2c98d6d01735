import { type ReactNode, useState } from 'react';
import { bytes, compact } from '../format/format.ts';
import { openPage, PAGE_LABELS, PAGES, usePage } from '../stores/page.ts';
import { selectActiveRun, selectStep, showRun, useRuns } from '../stores/runs.ts';
import { useSession } from '../stores/session.ts';
import { useStoredBytes } from '../stores/stored-bytes.ts';
import { chooseTheme, THEMES, useTheme } from '../stores/theme.ts';
import styles from './Header.module.css';
import { Hint } from './Hint.tsx';
import { SystemDialog } from './SystemDialog.tsx';

/** Links to the pages; model, GPU, storage and current run. */
export function Header(props: { readonly onKeys: () => void; readonly onPalette: () => void }): ReactNode {
  const page = usePage((state) => state.page);
  const [systemShown, setSystemShown] = useState(false);
  return (
    <header className={styles.header}>
      <a className={styles.skip} href={`#/${page}`} onClick={() => document.querySelector('main')?.focus()}>
        Skip to content
      </a>
      <h1 className={styles.brand}>MoPEFT Studio</h1>
      <nav className={styles.pages} aria-label="Pages">
        {PAGES.map((name) => (
          <a key={name} href={`#/${name}`} aria-current={name === page ? 'page' : undefined}>
            {PAGE_LABELS[name]}
          </a>
        ))}
      </nav>
      <Hint text="Other models are on the Models page, or drop one here">
        <button
          type="button"
          className={styles.facts}
          onClick={() => setSystemShown(true)}
          aria-label="Model, GPU and storage details"
        >
          <ModelFact />
          <GpuFact />
          <StorageFact />
        </button>
      </Hint>
      <RunFact />
      <div className={styles.tools}>
        <Hint text="Go to or do anything by its name (Ctrl + K)">
          <button type="button" className="quiet" aria-label="Go to or do" onClick={props.onPalette}>
            <svg className={styles.symbol} viewBox="0 0 16 16" aria-hidden="true">
              <circle cx="6.5" cy="6.5" r="4.5" />
              <line x1="10" y1="10" x2="14.5" y2="14.5" />
            </svg>
          </button>
        </Hint>
        <ThemeButton />
        <Hint text="Keyboard shortcuts (?)">
          <button type="button" className="quiet" aria-label="Keyboard shortcuts" onClick={props.onKeys}>
            ?
          </button>
        </Hint>
      </div>
      {systemShown && <SystemDialog onClose={() => setSystemShown(false)} />}
    </header>
  );
}

function Fact(props: {
  readonly label: string;
  readonly value: string;
  readonly tone?: 'warn' | 'bad';
}): ReactNode {
  return (
    <span className={styles.fact}>
      <span className={styles.factLabel}>{props.label}</span>
      <span className={props.tone ? styles[props.tone] : styles.factValue} title={props.value}>
        {props.value}
      </span>
    </span>
  );
}

function ModelFact(): ReactNode {
  const model = useSession((state) => state.model);
  const phase = useSession((state) => state.phase);
  const progress = useSession((state) => state.modelProgress);
  if (progress) return <Fact label="Model" value="loading …" />;
  if (!model) return <Fact label="Model" value={phase === 'starting' ? 'loading …' : 'none'} />;
  return (
    <Fact label="Model" value={`${model.name} · ${compact(model.parameterCount)} · ${model.imageSize} px`} />
  );
}

function GpuFact(): ReactNode {
  const gpu = useSession((state) => state.gpu);
  const lost = useSession((state) => state.lost);
  if (lost) return <Fact label="GPU" value="lost" tone="bad" />;
  if (!gpu) return <Fact label="GPU" value="…" />;
  if (gpu.state === 'missing') return <Fact label="GPU" value="no WebGPU" tone="bad" />;
  const name = gpu.description || [gpu.vendor, gpu.architecture].filter(Boolean).join(' ') || 'unnamed';
  return gpu.isSoftware ? (
    <Fact label="GPU" value={`software (${gpu.architecture || name})`} tone="warn" />
  ) : (
    <Fact label="GPU" value={name} />
  );
}

function StorageFact(): ReactNode {
  const storage = useSession((state) => state.storage);
  const isLost = useSession((state) => state.storageFailure !== null);
  const stored = useStoredBytes();
  if (isLost) return <Fact label="Storage" value="none" />;
  if (!storage) return <Fact label="Storage" value="…" />;
  const kept = storage.persisted === true ? 'kept' : 'may be cleared';
  return <Fact label="Storage" value={`${bytes(stored)} · ${kept}`} />;
}

function RunFact(): ReactNode {
  const run = useRuns(selectActiveRun);
  const activity = useRuns((state) => (run ? state.activities[run.id] : undefined));
  const step = useRuns((state) => (run ? selectStep(state, run) : 0));
  if (!run) {
    return (
      <span className={styles.run}>
        <Fact label="Run" value="none" />
      </span>
    );
  }
  return (
    <button
      type="button"
      className={styles.run}
      onClick={() => {
        showRun(run.id);
        openPage('train');
      }}
    >
      <Fact label="Run" value={`${run.name} · ${activity?.label ?? `step ${step} of ${run.steps}`}`} />
    </button>
  );
}

function ThemeButton(): ReactNode {
  const theme = useTheme((state) => state.theme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  const symbol = { system: '◐', dark: '●', light: '○' }[theme];
  return (
    <Hint text={`Theme: ${theme}`}>
      <button
        type="button"
        className="quiet"
        aria-label={`Theme: ${theme}. Switch to ${next}`}
        onClick={() => chooseTheme(next)}
      >
        {symbol}
      </button>
    </Hint>
  );
}
