import { type ReactNode, useEffect } from 'react';
import { duration } from '../../../config/words.ts';
import type { CatalogueEntry, ModelLibrary } from '../../../worker/protocol.ts';
import { ConfirmDelete } from '../../components/ConfirmDelete.tsx';
import { FactList } from '../../components/FactList.tsx';
import { FileButton } from '../../components/FileButton.tsx';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { useAnswer } from '../../components/use-answer.ts';
import { bytes } from '../../format/format.ts';
import { callEngine } from '../../stores/engine-link.ts';
import { downloadAndOpen, freeModel, loadLibrary, useModels } from '../../stores/models.ts';
import {
  openDroppedModel,
  openEmbeddedModel,
  openModelFiles,
  openStoredModel,
  useSession,
} from '../../stores/session.ts';
import { OpenModelCard } from '../model/OpenModelCard.tsx';
import styles from './ModelsPage.module.css';

/** Every model that can be opened: the site's own, one that was dropped, and those of the catalogue. */
export function ModelsPage(): ReactNode {
  const library = useModels((state) => state.library);
  useEffect(() => void loadLibrary(), []);
  return (
    <div className="stack">
      <section className="stack" aria-label="On this device">
        <h2>On this device</h2>
        {library && <OwnModels library={library} />}
        <div className="row">
          <FileButton
            label="Open files …"
            accept=".safetensors,.json,.pth,.pt,.bin,.ckpt"
            onFiles={(files) => void openModelFiles(files)}
          />
          <span className="muted small">or drop them anywhere on the page</span>
        </div>
      </section>
      <section className="stack" aria-label="To download">
        <h2>To download</h2>
        <p className="muted small">
          Nothing is fetched until you press <em>Download and open</em>. Then the files of that model come
          from the address that its card names. No image and nothing about your data is sent.
        </p>
        <div className={styles.cards}>
          {library?.catalogue
            .filter(({ state }) => state !== 'stored')
            .map((entry) => (
              <CatalogueCard key={entry.id} entry={entry} />
            ))}
        </div>
      </section>
    </div>
  );
}

/** Those that open without a network. */
function OwnModels({ library }: { readonly library: ModelLibrary }): ReactNode {
  const { embedded, catalogue, dropped } = library;
  const model = useSession((state) => state.model);
  return (
    <div className={styles.cards}>
      {embedded.map(({ id, label, bytes: size, licence }) => (
        <ModelCard
          key={id}
          name={label}
          isOpen={model?.embeddedId === id}
          onOpen={() => void openEmbeddedModel(id)}
        >
          <FactList
            className={styles.facts}
            rows={[
              ['Comes with', 'this site'],
              ['Size', bytes(size)],
              ['Licence', licence],
            ]}
          />
        </ModelCard>
      ))}
      {dropped && (
        <ModelCard
          name={dropped.name}
          isOpen={model?.source === 'file'}
          onOpen={() => void openDroppedModel()}
          onFree={() => void freeModel(null, dropped.name)}
        >
          <FactList
            className={styles.facts}
            rows={[
              ['Comes from', 'your own files, kept from the last drop'],
              ['Storage', bytes(dropped.bytes)],
            ]}
          />
        </ModelCard>
      )}
      {catalogue
        .filter(({ state }) => state === 'stored')
        .map((entry) => (
          <CatalogueCard key={entry.id} entry={entry} />
        ))}
    </div>
  );
}

/** A model with its name, whether it is open, and a button each to open and to free it. */
function ModelCard(props: {
  readonly name: string;
  readonly isOpen: boolean;
  readonly children: ReactNode;
  readonly onOpen?: () => void;
  readonly onFree?: () => void;
}): ReactNode {
  const { name, isOpen, onOpen, onFree } = props;
  const model = useSession((state) => state.model);
  const canOpen = useSession((state) => state.gpu?.state === 'ready' && state.lost === null);
  return (
    <article className={`panel ${styles.card}`} aria-label={name}>
      <h3>
        {name}
        {isOpen && <span className={styles.open}>open</span>}
      </h3>
      {props.children}
      {isOpen && model && (
        <details>
          <summary>How it is read</summary>
          <OpenModelCard model={model} />
        </details>
      )}
      <div className="row">
        {onOpen && !isOpen && (
          <button type="button" disabled={!canOpen} onClick={onOpen}>
            Open
          </button>
        )}
        {onFree && !isOpen && (
          <ConfirmDelete
            name={name}
            consequence="Its files are removed from this device. Runs on it can be resumed once it is open again."
            onDelete={onFree}
          />
        )}
      </div>
    </article>
  );
}

function CatalogueCard({ entry }: { readonly entry: CatalogueEntry }): ReactNode {
  const { id, label, use, state, storedBytes } = entry;
  const model = useSession((session) => session.model);
  const isStored = state === 'stored';
  return (
    <ModelCard
      name={label}
      isOpen={model?.catalogueId === id}
      {...(isStored && { onOpen: () => void openStoredModel(id) })}
      {...(storedBytes > 0 && { onFree: () => void freeModel(id, label) })}
    >
      {use !== '' && <p>{use}</p>}
      <FactList
        className={styles.facts}
        rows={[
          ['Family', entry.family],
          isStored
            ? ['Storage', bytes(storedBytes)]
            : ['Download', `about ${bytes(entry.bytes)} from ${entry.from}`],
          ['Checksum', entry.hasChecksum ? 'known, checked after the download' : 'no checksum known'],
          ['Memory to train', <Memory key="memory" id={id} />],
          ['Licence', entry.licence],
          [
            'Source',
            <a key="page" href={entry.page} target="_blank" rel="noreferrer">
              {entry.page.replace(/^https?:\/\//, '')}
            </a>,
          ],
        ]}
      />
      {!isStored && <DownloadControl entry={entry} />}
    </ModelCard>
  );
}

/** What a default run would need here, as the planner says. */
function Memory({ id }: { readonly id: string }): ReactNode {
  const canPlan = useSession((state) => state.gpu?.state === 'ready');
  const memory = useAnswer(canPlan ? () => callEngine('model.memory', { id }) : null, `${id} ${canPlan}`);
  if (!canPlan) return 'needs WebGPU';
  if (!memory) return '…';
  if (!memory.ok) return memory.error.what;
  const { peakBytes, problem } = memory.value;
  if (problem) return problem.what;
  return `${bytes(peakBytes)} with the default settings`;
}

function DownloadControl({ entry }: { readonly entry: CatalogueEntry }): ReactNode {
  const { id, label, state, storedBytes } = entry;
  const download = useModels((models) => models.download);
  const hasStorage = useSession((session) => session.storageFailure === null);
  if (download?.id === id) {
    const { progress, left, rate, cancel } = download;
    return (
      <div className="stack">
        <ProgressBar progress={progress} />
        <p className="muted small">
          {progress.total > 0 && `${bytes(progress.done)} of ${bytes(progress.total)}`}
          {rate !== null && ` · ${bytes(rate)}/s`}
          {left !== null && ` · ${duration(left)} left`}
        </p>
        <div className="row">
          <button type="button" onClick={cancel}>
            Cancel
          </button>
        </div>
      </div>
    );
  }
  const isPartial = state === 'partial';
  return (
    <div className="stack">
      {isPartial && <p className="small">{bytes(storedBytes)} are here already; it goes on from there.</p>}
      <div className="row">
        <button
          type="button"
          className="primary"
          disabled={download !== null || !hasStorage}
          aria-label={`${isPartial ? 'Go on downloading' : 'Download'} and open ${label}`}
          onClick={() => void downloadAndOpen(id, label)}
        >
          {isPartial ? 'Go on and open' : 'Download and open'}
        </button>
      </div>
    </div>
  );
}
