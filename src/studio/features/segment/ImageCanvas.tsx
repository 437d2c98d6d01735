import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react';
import type { OpenedImage } from '../../../worker/protocol.ts';
import { density, watchDensity } from '../../canvas/density.ts';
import { Stage } from '../../canvas/stage.ts';
import { useStretchFilter } from '../../components/StretchContrast.tsx';
import { answerShown, useSeenRegion, useSegment } from '../../stores/segment.ts';
import { useTools } from '../../stores/tools.ts';
import { CanvasControl } from './canvas-control.ts';
import styles from './ImageCanvas.module.css';
import { handleKey, handlePageKey } from './keys.ts';

/** Milliseconds for which what the model sees stays the same before it is encoded. */
const SETTLE = 150;

const BUSY = { encoding: 'The model looks at the image …', predicting: 'Finding the mask …' } as const;

/** Whether keys are typed into it, or choose in it. */
const isField = (target: EventTarget | null): boolean =>
  target instanceof Element && target.matches('input:not([type=radio], [type=checkbox]), select, textarea');

const isInDialog = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest('[role=dialog], [role=alertdialog], [role=menu]') !== null;

/** The image with its objects, prompts and tools. */
export function ImageCanvas({ image }: { readonly image: OpenedImage }): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const stack = useRef<HTMLDivElement>(null);
  const control = useRef<CanvasControl>(null);
  const tool = useTools((state) => state.tool);
  const filter = useStretchFilter(image.bitmap);
  const busy = useSegment((state) => state.busy);
  const { key: regionKey, text: regionText } = useSeenRegion();

  useEffect(() => {
    const [shown, masks, drawing, cursor] = stack.current?.querySelectorAll('canvas') ?? [];
    if (!stack.current || !shown || !masks || !drawing || !cursor) return;
    const element = stack.current;
    const stage = new Stage({ image: shown, masks, drawing, cursor }, image.bitmap, image);
    const own = new CanvasControl(image, stage, cursor);
    control.current = own;
    own.showCrosshair(box.current?.matches(':focus-visible') ?? false);
    const resize = (): void =>
      own.resize({ width: element.clientWidth, height: element.clientHeight }, density());
    const observer = new ResizeObserver(resize);
    observer.observe(element);
    const unwatch = watchDensity(resize);
    // React's wheel listeners are passive and could not keep the page from scrolling or zooming.
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      // A pinch on a touchpad comes as a wheel with Ctrl, in smaller steps.
      const factor = Math.exp(-event.deltaY / (event.ctrlKey ? 100 : 500));
      own.zoom(factor, { x: event.offsetX, y: event.offsetY });
    };
    cursor.addEventListener('wheel', onWheel, { passive: false });
    return () => {
      observer.disconnect();
      unwatch();
      cursor.removeEventListener('wheel', onWheel);
      own.close();
      control.current = null;
    };
  }, [image]);

  useEffect(() => {
    // Where nothing of the page has the focus, keys are meant for the image.
    if (document.activeElement?.contains(box.current)) box.current?.focus();
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what the model sees has changed
  useEffect(() => {
    const timer = setTimeout(() => void answerShown(), SETTLE);
    return () => clearTimeout(timer);
  }, [regionKey]);

  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      if (event.defaultPrevented || !control.current || isInDialog(event.target)) return;
      if (handlePageKey(event, isField(event.target), control.current)) event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (control.current && handleKey(event, control.current)) event.preventDefault();
  };

  return (
    <div
      ref={box}
      className={styles.stage}
      aria-busy={busy !== null}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the image is worked on with pointer and keys
      tabIndex={0}
      role="application"
      aria-label={`${image.name}: arrow keys move the crosshair, Space clicks, Enter adds the object, question mark lists the shortcuts`}
      onKeyDown={onKeyDown}
      onFocus={(event) => control.current?.showCrosshair(event.currentTarget.matches(':focus-visible'))}
      onBlur={() => control.current?.showCrosshair(false)}
    >
      <div ref={stack} className={styles.stack}>
        <canvas className={styles.canvas} style={{ filter }} />
        <canvas className={styles.canvas} />
        <canvas className={styles.canvas} />
        <canvas
          className={`${styles.canvas} ${styles.surface} ${tool === 'pan' ? styles.pan : ''}`}
          data-view=""
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            control.current?.down(event.nativeEvent);
          }}
          onPointerMove={(event) => control.current?.move(event.nativeEvent)}
          onPointerUp={(event) => control.current?.up(event.nativeEvent)}
          onPointerLeave={(event) => control.current?.leave(event.nativeEvent)}
          onPointerCancel={(event) => {
            control.current?.interrupt();
            control.current?.leave(event.nativeEvent);
          }}
          onContextMenu={(event) => event.preventDefault()}
        />
      </div>
      {busy && <span className={styles.busy}>{BUSY[busy]}</span>}
      <span className={styles.seen}>{regionText}</span>
    </div>
  );
}
