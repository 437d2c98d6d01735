import { type ReactNode, useEffect } from 'react';
import type { GpuReady } from '../../worker/protocol.ts';
import { OpenModelCard } from '../features/model/OpenModelCard.tsx';
import { bytes } from '../format/format.ts';
import { callEngine } from '../stores/engine-link.ts';
import { openPage } from '../stores/page.ts';
import {
  hideModel,
  openEmbeddedModel,
  openModelFiles,
  persistStorage,
  useSession,
} from '../stores/session.ts';
import { useStoredBytes } from '../stores/stored-bytes.ts';
import { Dialog } from './Dialog.tsx';
import { FactList } from './FactList.tsx';
import { FailureMessage } from './FailureMessage.tsx';
import { FileButton } from './FileButton.tsx';
import { ProgressBar } from './ProgressBar.tsx';
import { useAnswer } from './use-answer.ts';

/** Details of the model, GPU and storage; also loads another model. */
export function SystemDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const gpu = useSession((state) => state.gpu);
  const modelShown = useSession((state) => state.modelShown);
  // The model's card is here already.
  useEffect(() => {
    if (modelShown) hideModel();
  }, [modelShown]);
  return (
    <Dialog title="Model, GPU and storage" onClose={onClose}>
      <div className="stack">
        <ModelSection onClose={onClose} />
        <section className="stack">
          <h3>GPU</h3>
          {gpu?.state === 'ready' && <GpuTable gpu={gpu} />}
          {gpu?.state === 'missing' && <FailureMessage failure={gpu.error} />}
        </section>
        <StorageSection />
      </div>
    </Dialog>
  );
}

function ModelSection({ onClose }: { readonly onClose: () => void }): ReactNode {
  const model = useSession((state) => state.model);
  const failure = useSession((state) => state.modelFailure);
  const progress = useSession((state) => state.modelProgress);
  const index = useAnswer(() => callEngine('model.list', {}), 'model.list');
  return (
    <section className="stack">
      <h3>Model</h3>
      {model && <OpenModelCard model={model} />}
      {failure && !model && <FailureMessage failure={failure} />}
      {progress && <ProgressBar progress={progress} />}
      <p className="muted small">
        A larger model can be downloaded on the Models page, or loaded from files of your own (.safetensors,
        .pth, .pt or .bin, with its config.json, if it has one), here or by dropping them on the page.
      </p>
      <div className="row">
        <button
          type="button"
          onClick={() => {
            onClose();
            openPage('models');
          }}
        >
          All models
        </button>
        <FileButton
          label="Load a model …"
          accept=".safetensors,.pth,.pt,.bin,.ckpt,.json"
          onFiles={(files) => void openModelFiles(files)}
        />
        {index?.ok &&
          index.value.models
            .filter((embedded) => embedded.id !== model?.embeddedId)
            .map((embedded) => (
              <button key={embedded.id} type="button" onClick={() => void openEmbeddedModel(embedded.id)}>
                Use {embedded.label} ({bytes(embedded.bytes)})
              </button>
            ))}
      </div>
    </section>
  );
}

function GpuTable({ gpu }: { readonly gpu: GpuReady }): ReactNode {
  const memory = useSession((state) => state.deviceMemoryGiB);
  return (
    <FactList
      rows={[
        ['GPU adapter', gpu.description || `${gpu.vendor} ${gpu.architecture}`],
        ['Vendor', gpu.vendor || 'not reported'],
        ['Architecture', gpu.architecture || 'not reported'],
        ['Kind', gpu.isSoftware ? 'software, runs on the CPU' : 'hardware'],
        ['Largest buffer', bytes(gpu.limits.maxBufferSize)],
        ['Largest binding', bytes(gpu.limits.maxStorageBufferBindingSize)],
        ['Workgroup memory', bytes(gpu.limits.maxComputeWorkgroupStorageSize)],
        ['Computer memory', memory === null ? 'not reported' : `about ${memory} GiB`],
      ]}
    />
  );
}

function StorageSection(): ReactNode {
  const storage = useSession((state) => state.storage);
  const failure = useSession((state) => state.storageFailure);
  const stored = useStoredBytes();
  if (failure) {
    return (
      <section className="stack">
        <h3>Storage</h3>
        <FailureMessage failure={failure} />
      </section>
    );
  }
  if (!storage) {
    return (
      <section className="stack">
        <h3>Storage</h3>
        <p className="muted">{bytes(stored)} used. This browser does not say how much it allows.</p>
      </section>
    );
  }
  const answer =
    storage.persisted === true
      ? 'The browser will not clear it by itself.'
      : storage.persisted === false
        ? 'The browser may clear it when the disk is full. Export what you need to keep.'
        : 'The browser does not say whether it may clear it.';
  return (
    <section className="stack">
      <h3>Storage</h3>
      <FactList
        rows={[
          ['Used', bytes(stored)],
          ['Limit', bytes(storage.quota)],
        ]}
      />
      <p>{answer}</p>
      {storage.persisted === false && (
        <div className="row">
          <button type="button" onClick={() => void persistStorage()}>
            Ask the browser to keep it
          </button>
        </div>
      )}
    </section>
  );
}
