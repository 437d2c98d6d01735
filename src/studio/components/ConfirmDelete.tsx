import { type ReactNode, useState } from 'react';
import { Dialog } from './Dialog.tsx';

/** A delete button that asks for confirmation and says what is lost. */
export function ConfirmDelete(props: {
  readonly name: string;
  readonly consequence: string;
  readonly onDelete: () => void;
  readonly disabled?: boolean;
}): ReactNode {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <button
        type="button"
        className="quiet danger"
        disabled={props.disabled ?? false}
        aria-label={`Delete ${props.name}`}
        onClick={() => setAsking(true)}
      >
        Delete
      </button>
      {asking && (
        <Dialog title={`Delete ${props.name}?`} onClose={() => setAsking(false)}>
          <div className="stack">
            <p>{props.consequence}</p>
            <div className="row">
              <button
                type="button"
                className="danger"
                onClick={() => {
                  setAsking(false);
                  props.onDelete();
                }}
              >
                Delete
              </button>
              <button type="button" onClick={() => setAsking(false)}>
                Cancel
              </button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}
