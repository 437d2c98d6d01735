import type { ReactNode } from 'react';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { cancelOutput, type OutputKind, useOutput } from '../../stores/output.ts';

/** Starts to write a file; while it is written, its progress and a way out. One file is written at a time. */
export function WriteButton(props: {
  readonly what: OutputKind;
  readonly label: string;
  readonly disabled: boolean;
  readonly onWrite: () => void;
  /** Beside the button. */
  readonly children?: ReactNode;
}): ReactNode {
  const writing = useOutput((state) => state.writing);
  if (writing?.what === props.what)
    return (
      <div className="row">
        <ProgressBar progress={writing.progress} />
        <button type="button" onClick={cancelOutput}>
          Cancel
        </button>
      </div>
    );
  return (
    <div className="row">
      <button
        type="button"
        className="primary"
        disabled={props.disabled || writing !== null}
        onClick={props.onWrite}
      >
        {props.label}
      </button>
      {props.children}
    </div>
  );
}
