import { type ReactNode, useEffect, useRef } from 'react';
import type { DroppedFile } from '../../worker/protocol.ts';
import { collectInputFiles } from '../drop/dropped-files.ts';

/** A file input that looks like a button; with `folder` it picks a folder. */
export function FileButton(props: {
  readonly label: string;
  readonly onFiles: (files: readonly DroppedFile[]) => void;
  readonly accept?: string;
  readonly folder?: boolean;
  readonly multiple?: boolean;
  readonly primary?: boolean;
  readonly disabled?: boolean;
}): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  // React does not know this attribute.
  useEffect(() => {
    input.current?.toggleAttribute('webkitdirectory', props.folder === true);
  }, [props.folder]);
  return (
    <label className={props.primary ? 'button primary' : 'button'}>
      {props.label}
      <input
        ref={input}
        type="file"
        className="visually-hidden"
        multiple={props.multiple ?? true}
        disabled={props.disabled ?? false}
        accept={props.accept ?? ''}
        onChange={(event) => {
          const files = event.target.files ? collectInputFiles(event.target.files) : [];
          // Otherwise choosing the same file again does nothing.
          event.target.value = '';
          if (files.length > 0) props.onFiles(files);
        }}
      />
    </label>
  );
}
