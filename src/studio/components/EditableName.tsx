import { type ReactNode, useEffect, useRef, useState } from 'react';

/** A heading with a Rename button. Enter saves the new name, Escape keeps the old one. */
export function EditableName(props: {
  readonly name: string;
  readonly onRename: (name: string) => void;
  readonly level: 2 | 3;
}): ReactNode {
  const [draft, setDraft] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const rename = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);
  const editing = draft !== null;
  useEffect(() => {
    if (editing) {
      input.current?.focus();
      input.current?.select();
    } else if (wasEditing.current) rename.current?.focus();
    wasEditing.current = editing;
  }, [editing]);
  const Heading = `h${props.level}` as const;
  if (draft === null) {
    return (
      <div className="row">
        <Heading>{props.name}</Heading>
        <button
          ref={rename}
          type="button"
          className="quiet small"
          aria-label={`Rename ${props.name}`}
          onClick={() => setDraft(props.name)}
        >
          Rename
        </button>
      </div>
    );
  }
  const keep = (): void => {
    const name = draft.trim();
    if (name !== '' && name !== props.name) props.onRename(name);
    setDraft(null);
  };
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        keep();
      }}
    >
      <input
        ref={input}
        aria-label="New name"
        value={draft}
        maxLength={80}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') setDraft(null);
        }}
      />
      <button type="submit">Save</button>
    </form>
  );
}
