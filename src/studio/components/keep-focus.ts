/** Where the focus goes when what had it is gone or disabled: the part of the page around it, so that keys go on from there. */

/** Parts of the page that a person knows apart, and lists that scroll. */
const PARTS = 'main, section, article, aside, fieldset, [tabindex]';

/** An element and what is around it, from the inside out. */
export interface FocusPlace {
  readonly element: Element;
  readonly around: readonly Element[];
}

/** The place of the focus; what was around it can still be found when the element is gone. */
export function focusPlace(element = document.activeElement ?? document.body): FocusPlace {
  const around: Element[] = [];
  for (let each = element.parentElement; each; each = each.parentElement) around.push(each);
  return { element, around };
}

/** Gives the focus to an element, or else to the innermost part around it that is left. */
export function focusAgain({ element, around }: FocusPlace): void {
  const main = document.querySelector('main');
  const part = around.find((each) => each.isConnected && each.matches(PARTS)) ?? main;
  const target = isUsable(element) && element !== document.body ? element : part;
  if (!(target instanceof HTMLElement)) return;
  if (target !== element && !target.hasAttribute('tabindex')) {
    target.tabIndex = -1;
    // Else a click on its empty ground would give it the focus.
    target.addEventListener('blur', () => target.removeAttribute('tabindex'), { once: true });
  }
  target.focus({ preventScroll: true });
}

/** Gives the focus a place whenever the element that has it is taken away or disabled; returns the function that ends it. */
export function keepFocus(): () => void {
  let last: FocusPlace | null = null;
  const remember = ({ target }: FocusEvent): void => {
    if (target instanceof Element) last = focusPlace(target);
  };
  const observer = new MutationObserver(() => {
    if (!last || isUsable(last.element)) return;
    const place = last;
    last = null;
    const { activeElement } = document;
    if (activeElement === null || activeElement === document.body || activeElement === place.element)
      focusAgain(place);
  });
  observer.observe(document, { childList: true, subtree: true, attributeFilter: ['disabled'] });
  document.addEventListener('focusin', remember);
  return () => {
    observer.disconnect();
    document.removeEventListener('focusin', remember);
  };
}

const isUsable = (element: Element): boolean => element.isConnected && !element.matches(':disabled');
