import { type ReactNode, useMemo } from 'react';
import { rangeOfBitmap, stretchFilter } from '../canvas/stretch.ts';
import { chooseStretched, useTools } from '../stores/tools.ts';
import { CheckBox } from './CheckBox.tsx';

/** Whether dim images are shown brighter, wherever images are looked at closely. */
export function StretchContrast({ className }: { readonly className?: string | undefined }): ReactNode {
  const isStretched = useTools((state) => state.isStretched);
  return (
    <CheckBox
      label="Stretch contrast"
      hint="Shows the image's darkest values as black and its brightest as white. Only what you see changes: the model sees the image as it is."
      className={className}
      checked={isStretched}
      onChange={chooseStretched}
    />
  );
}

/** The CSS filter of an image, which does nothing while contrast is not stretched. */
export function useStretchFilter(bitmap: ImageBitmap): string {
  const isStretched = useTools((state) => state.isStretched);
  return useMemo(() => (isStretched ? stretchFilter(rangeOfBitmap(bitmap)) : 'none'), [isStretched, bitmap]);
}
