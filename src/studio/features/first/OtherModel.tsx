import { type ReactNode, useEffect } from 'react';
import { loadLibrary, useModels } from '../../stores/models.ts';
import { openEmbeddedModel } from '../../stores/session.ts';

/** The first minute is of the embedded model: offers to open it where another is open. */
export function OtherModel(): ReactNode {
  const library = useModels((state) => state.library);
  useEffect(() => void loadLibrary(), []);
  const embedded = library?.embedded[0];
  return (
    <div className="panel stack attention">
      <p>
        The first minute is shown by the small model that the studio brings along, and another one is open.
      </p>
      {embedded && (
        <button type="button" onClick={() => void openEmbeddedModel(embedded.id)}>
          Open {embedded.label}
        </button>
      )}
    </div>
  );
}
