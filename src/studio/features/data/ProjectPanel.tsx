import type { ReactNode } from 'react';
import { plural } from '../../../config/words.ts';
import type { ProjectItemInfo } from '../../../worker/protocol.ts';
import { bytes, when } from '../../format/format.ts';
import { addProject, leaveProject, useProject } from '../../stores/project.ts';
import styles from './ImportPreview.module.css';
import { RefusalList } from './RefusalList.tsx';

/** What a dropped project would add, before anything is stored. */
export function ProjectPanel(): ReactNode {
  const preview = useProject((state) => state.preview);
  if (!preview) return null;
  const { items, otherModels, refusals, created } = preview;
  const toAdd = items.filter(({ fate }) => fate === 'new' || fate === 'beside');
  const count = (kind: ProjectItemInfo['kind']) =>
    plural(items.filter((item) => item.kind === kind).length, kind);
  return (
    <section className={`panel stack ${styles.preview}`} aria-label="Project">
      <h2>
        A project of {when(created)}: {count('dataset')}, {count('run')}
      </h2>
      <p className="muted">Nothing is stored yet. What is here already stays as it is.</p>
      <ul className="stack">
        {items.map((item) => (
          <li key={`${item.kind} ${item.name} ${item.addedAs}`}>
            {item.kind === 'dataset' ? 'Dataset' : 'Run'} <strong>{item.name}</strong>{' '}
            <span className="muted">{fateText(item)}</span>
          </li>
        ))}
      </ul>
      {otherModels.length > 0 && (
        <p className="attention">
          Runs of it belong to{' '}
          {otherModels.map(({ name, hash }) => `${name} (${hash.slice(0, 12)})`).join(', ')}, which is not
          open. They are added all the same; <a href="#/models">open that model</a> to segment with them or to
          go on.
        </p>
      )}
      {refusals.length > 0 && <RefusalList refusals={refusals} />}
      <div className="row">
        {toAdd.length > 0 && (
          <button type="button" className="primary" onClick={() => void addProject()}>
            Add {bytes(toAdd.reduce((sum, item) => sum + item.bytes, 0))} to this browser
          </button>
        )}
        <button type="button" onClick={leaveProject}>
          {toAdd.length > 0 ? 'Discard' : 'Close'}
        </button>
      </div>
    </section>
  );
}

function fateText({ name, fate, addedAs, bytes: size }: ProjectItemInfo): string {
  switch (fate) {
    case 'new':
      return addedAs === name
        ? bytes(size)
        : `is added as “${addedAs}”, for another has that name, ${bytes(size)}`;
    case 'here':
      return addedAs === name
        ? 'is here already, and the same'
        : `is here already, and the same, as “${addedAs}”`;
    case 'beside':
      return `is here and differs: it is added beside it as “${addedAs}”, ${bytes(size)}`;
    case 'refused':
      return 'cannot be added: see below';
  }
}
