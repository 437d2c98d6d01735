import {
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { OpenedImage } from '../../../worker/protocol.ts';
import { drawImage } from '../../canvas/layers/image.ts';
import { drawMask, paintMask } from '../../canvas/layers/mask.ts';
import { drawBox, drawCrosshair, drawPoints } from '../../canvas/layers/prompts.ts';
import { visibleRegion } from '../../canvas/region.ts';
import {
  boxBetween,
  IDLE,
  pointerDown,
  pointerMove,
  pointerUp,
  type ToolState,
  type ToolStep,
} from '../../canvas/tools.ts';
import {
  fitView,
  isInside,
  type Point,
  panView,
  type Size,
  toImage,
  type View,
  withinImage,
  zoomView,
} from '../../canvas/view.ts';
import {
  addPoint,
  answerShown,
  selectAnswer,
  selectPrompts,
  selectRegionKey,
  selectRegionText,
  setBox,
  showRegion,
  useSegment,
} from '../../stores/segment.ts';
import { maskColour } from '../../theme/colours.ts';
import styles from './ImageCanvas.module.css';
import { handleKey } from './keys.ts';

/** Milliseconds for which the view stands still before the model looks at what it shows. */
const SETTLE = 250;

/** The image with mask and prompts. Pointer and keys drive the tools, whose requests go to the store. */
export function ImageCanvas({ image }: { readonly image: OpenedImage }): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  const [view, setView] = useState<View | null>(null);
  const [state, setState] = useState<ToolState>(IDLE);
  const [crosshair, setCrosshair] = useState<Point>({ x: image.width / 2, y: image.height / 2 });
  const [focused, setFocused] = useState(false);
  const tool = useSegment((store) => store.tool);
  const positive = useSegment((store) => store.positive);
  const busy = useSegment((store) => store.busy);
  const prompts = useSegment(selectPrompts);
  const answer = useSegment(selectAnswer);
  const regionKey = useSegment(selectRegionKey);
  const regionText = useSegment(selectRegionText);
  const mask = answer?.prediction.candidates[answer.candidate]?.mask;

  useEffect(() => {
    const element = canvas.current?.parentElement;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      const next = { width: element.clientWidth, height: element.clientHeight };
      setSize(next);
      setView(fitView(image, next));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [image]);

  useEffect(() => {
    if (view) showRegion(visibleRegion(view, size, image));
  }, [view, size, image]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what the model sees has changed
  useEffect(() => {
    const timer = setTimeout(() => void answerShown(), SETTLE);
    return () => clearTimeout(timer);
  }, [regionKey]);

  const maskLayer = useMemo(
    () => (mask && canvas.current ? paintMask(mask, image, maskColour(canvas.current)) : null),
    [mask, image],
  );

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || !view) return;
    const frame = requestAnimationFrame(() => {
      const ratio = window.devicePixelRatio;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, size.width, size.height);
      drawImage(context, image.bitmap, view);
      if (maskLayer) drawMask(context, maskLayer, view);
      if (prompts.box) drawBox(context, prompts.box, view);
      if (state.mode === 'boxing') drawBox(context, boxBetween(state.from, state.to), view);
      drawPoints(context, prompts.points, view);
      if (focused) drawCrosshair(context, crosshair, view);
    });
    return () => cancelAnimationFrame(frame);
  }, [image, view, size, maskLayer, prompts, state, crosshair, focused]);

  const applyStep = useCallback(
    (step: ToolStep): void => {
      setState(step.state);
      const { request } = step;
      if (!request) return;
      switch (request.kind) {
        case 'point':
          if (isInside(request.point, image)) void addPoint({ ...request.point, positive: request.positive });
          return;
        case 'box':
          void setBox(request.box);
          return;
        case 'pan':
          setView((now) => now && panView(now, request.dx, request.dy));
          return;
      }
    },
    [image],
  );

  // React's wheel listeners are passive and could not keep the page from scrolling.
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const at = { x: event.offsetX, y: event.offsetY };
      setView((now) => now && zoomView(now, Math.exp(-event.deltaY / 500), at));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, []);

  const pointsOf = (event: PointerEvent): { canvas: Point; image: Point } | null => {
    if (!view) return null;
    const at = { x: event.nativeEvent.offsetX, y: event.nativeEvent.offsetY };
    return { canvas: at, image: toImage(view, at) };
  };

  const onPointerDown = (event: PointerEvent<HTMLCanvasElement>): void => {
    const at = pointsOf(event);
    if (!at) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const point = tool === 'box' ? withinImage(at.image, image) : at.image;
    applyStep(
      pointerDown(state, {
        tool,
        positive,
        button: event.button,
        shift: event.shiftKey,
        canvas: at.canvas,
        image: point,
      }),
    );
  };
  const onPointerMove = (event: PointerEvent): void => {
    const at = pointsOf(event);
    if (at && state.mode !== 'idle') applyStep(pointerMove(state, withinImage(at.image, image), at.canvas));
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const centre = { x: size.width / 2, y: size.height / 2 };
    const handled = handleKey(event, {
      image,
      crosshair,
      moveCrosshair: (point) => setCrosshair(withinImage(point, image)),
      state,
      setState,
      applyStep,
      zoom: (factor) => setView((now) => now && zoomView(now, factor, centre)),
      fit: () => setView(fitView(image, size)),
    });
    if (handled) event.preventDefault();
  };

  return (
    <div
      className={styles.stage}
      aria-busy={busy}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the image is worked on with pointer and keys
      tabIndex={0}
      role="application"
      aria-label={`${image.name}: arrow keys move the crosshair, Enter clicks, question mark lists the shortcuts`}
      onKeyDown={onKeyDown}
      onFocus={(event) => setFocused(event.currentTarget.matches(':focus-visible'))}
      onBlur={() => setFocused(false)}
    >
      <canvas
        ref={canvas}
        className={`${styles.canvas} ${tool === 'pan' ? styles.pan : ''}`}
        width={Math.round(size.width * window.devicePixelRatio)}
        height={Math.round(size.height * window.devicePixelRatio)}
        style={{ width: size.width, height: size.height }}
        data-view={view ? `${view.scale} ${view.left} ${view.top}` : ''}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={() => applyStep(pointerUp(state))}
        onPointerCancel={() => setState(IDLE)}
        onContextMenu={(event) => event.preventDefault()}
      />
      {busy && <span className={styles.busy}>Working …</span>}
      <span className={styles.seen}>{regionText}</span>
    </div>
  );
}
