import { parseXml, XmlElement, XmlError } from '@rgrove/parse-xml';
import { refuse } from '../outcome.ts';
import type { AnnotationSource } from './annotation-format.ts';

export type { XmlElement };

/**
 * The root of an XML file.
 * @throws Failure naming the file when it is damaged.
 */
export function xmlRoot({ text, path }: AnnotationSource): XmlElement {
  let why = 'it has no content';
  try {
    const { root } = parseXml(text, { resolveUndefinedEntity: () => '' });
    if (root) return root;
  } catch (error) {
    // Beside damage, elements nested too deep for the stack.
    if (!(error instanceof XmlError || error instanceof RangeError)) throw error;
    [why = ''] = error.message.split('\n');
  }
  throw refuse(
    'data/annotation-damaged',
    path,
    `This XML is damaged or incomplete (${why}).`,
    'Export or download it again.',
  );
}

/** The elements directly below another, of a name if one is given. */
export function childrenOf(element: XmlElement, name?: string): XmlElement[] {
  return element.children.filter(
    (child): child is XmlElement =>
      child instanceof XmlElement && (name === undefined || child.name === name),
  );
}

/** The elements that a path of names leads to. */
export function elementsAt(element: XmlElement, ...path: readonly string[]): XmlElement[] {
  return path.reduce((found, name) => found.flatMap((each) => childrenOf(each, name)), [element]);
}

/** The text of the first element of that name directly below another; undefined when there is none. */
export function textOf(element: XmlElement, name: string): string | undefined {
  return childrenOf(element, name)[0]?.text.trim();
}

/** An attribute as a number; NaN when there is none. */
export function numberOf({ attributes }: XmlElement, name: string): number {
  const text = attributes[name];
  return text === undefined || text.trim() === '' ? Number.NaN : Number(text);
}
